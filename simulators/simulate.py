"""`berth simulate`: the car parks that the registry holds, alive: a city's day, told over MQTT as devices tell it."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simulators.clock import Clock
from simulators.driver_api import DriverApi
from simulators.drivers import Drivers
from simulators.faults import FaultPlan
from simulators.ledger import Ledger
from simulators.operator_api import CarParkHeld, OperatorApi, patiently
from simulators.simulation import CityProgress, Simulation
from simulators.speakers import Connections, Speakers
from simulators.wire_client import MqttVersion

_FAREWELL_S_MAX: Final = 3.0


class NothingToSimulate(RuntimeError):
    """The registry holds no car park that is asked for."""


async def simulate_city(
    *,
    http_url: str,
    mqtt_url: str,
    token: str,
    clock: Clock,
    seed: int = 0,
    speed: float = 60.0,
    time_zone: str = "Asia/Shanghai",
    faults: FaultPlan | None = None,
    connections: Connections = "shared",
    car_parks: Collection[str] | None = None,
    ledger_path: Path | None = None,
    mqtt_version: MqttVersion = "3.1.1",
    drivers: Mapping[str, str] | None = None,
    on_progress: Callable[[CityProgress], None] | None = None,
) -> None:
    """Simulate until cancelled; then every car park says goodbye. `car_parks` None: all that the token may manage.

    `ledger_path` gets what was published and acknowledged (`simulators.ledger`). `drivers`, tokens by name, reserve
    and come. Raises NothingToSimulate, NotAllowed, BrokerSilent.
    """
    held = await _inventory(http_url, token, clock, car_parks)
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_path)) if ledger_path is not None else None
        simulation = Simulation(
            held, clock, seed=seed, speed=speed, zone=ZoneInfo(time_zone), faults=faults or FaultPlan(seed)
        )
        speakers = Speakers(
            mqtt_url,
            clock,
            {each.id: (each.operator, simulation.car_park(each.id)) for each in held},
            name=f"simulator-{seed}-{int(clock.now().timestamp()):x}",
            connections=connections,
            hear=simulation.hear,
            ledger=ledger,
            mqtt_version=mqtt_version,
        )
        bookable = [each.id for each in held if each.reservable]
        del held
        try:
            await speakers.open()
            try:
                async with DriverApi(http_url) as api:
                    living = [simulation.run(speakers, on_progress)]
                    if drivers and bookable:
                        living.append(Drivers(api, simulation, clock, drivers, bookable, seed=seed).run())
                    await _until_one_ends(living)
            finally:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(simulation.say_goodbye(speakers), _FAREWELL_S_MAX)
        finally:
            await speakers.close()


async def _until_one_ends(lives: Sequence[Coroutine[None, None, None]]) -> None:
    """All at once, for as long as each of them goes on. Raises what ended one."""
    tasks = [asyncio.create_task(life) for life in lives]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _inventory(http_url: str, token: str, clock: Clock, wanted: Collection[str] | None) -> Sequence[CarParkHeld]:
    async def read() -> Sequence[CarParkHeld]:
        async with OperatorApi(http_url, token) as api:
            return [each async for each in api.inventory() if wanted is None or each.id in wanted]

    held = await patiently(read, clock)
    if not held:
        raise NothingToSimulate("the registry holds none of these car parks" if wanted else "the registry is empty")
    return held
