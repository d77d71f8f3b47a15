"""Drivers who pay later, and where their cars stand; what whoever stands at a shut barrier sees on its display."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from contracts.wire import OrderMessage
from kernel.clock import ManualClock
from simulators.cameras import CameraPlan
from simulators.faults import FaultPlan
from simulators.operator_api import CarParkHeld, LaneHeld
from simulators.parkers import PARKERS_FROM
from simulators.payers import Payers, PayingHabits
from simulators.plates import DRIVERS_FROM, plate_of
from simulators.simulation import Simulation

LANES = CarParkHeld(
    "lanes", "sim", 200, "hospital", "passages", lanes=[LaneHeld("E1", "entry"), LaneHeld("X1", "exit")]
)


def order(kind: str, text: str | None) -> OrderMessage:
    at = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    return OrderMessage("ord_1", kind, at, "pay_at_barrier", lane="X1", text=text)  # type: ignore[arg-type]  # a kind


def test_guests_of_a_car_park_without_sensors_stand_in_places_of_their_own(clock: ManualClock) -> None:
    simulation = Simulation([LANES], clock, seed=1, speed=60, zone=ZoneInfo("Asia/Shanghai"), faults=FaultPlan())
    slots = [simulation.park("lanes", PARKERS_FROM + number, None) for number in range(5)]
    assert None not in slots
    assert len(set(slots)) == 5


def test_parkers_have_plates_of_their_own_beside_the_drivers_who_reserve() -> None:
    parkers = {str(plate_of(PARKERS_FROM + number)) for number in range(500)}
    drivers = {str(plate_of(DRIVERS_FROM + number)) for number in range(500)}
    assert len(parkers) == 500
    assert not parkers & drivers


async def test_only_a_code_on_a_display_is_paid(clock: ManualClock) -> None:
    payers = Payers("http://127.0.0.1:1", clock, habits=PayingHabits(late=0, never=100))
    running = asyncio.create_task(payers.run())
    code = "/pay/chg_" + "0" * 32
    payers.see(order("show_text", f"请付5.00元 Pay {code}"))
    payers.see(order("show_text", "欢迎光临"))
    payers.see(order("show_text", None))
    payers.see(order("open_barrier", f"{code}"))
    while not payers.told:
        await clock.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert payers.told == Counter({"never": 1})


def test_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="more than all"):
        PayingHabits(late=60, never=60)


def test_a_city_that_begins_again_has_other_vehicles_than_before(clock: ManualClock) -> None:
    def came_before() -> set[int]:
        simulation = Simulation(
            [LANES],
            clock,
            seed=1,
            speed=60,
            zone=ZoneInfo("Asia/Shanghai"),
            faults=FaultPlan(),
            cameras=CameraPlan(),
        )
        return set(simulation.car_park("lanes").came_before)

    first = came_before()
    assert first == came_before()
    clock.advance(60)
    assert first
    assert not first & came_before()
