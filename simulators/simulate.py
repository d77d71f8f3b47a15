"""`berth simulate`: the car parks that the registry holds, alive: a city's day, told over MQTT as devices tell it.

With parkers it is billed as well: car parks with cameras get a tariff, and whoever stands at a shut barrier pays.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from simulators.billing_api import BillingApi
from simulators.cameras import CameraPlan
from simulators.clock import Clock
from simulators.demo_tariffs import BEGAN, tariff_of
from simulators.driver_api import DriverApi
from simulators.drivers import Drivers
from simulators.faults import FaultPlan
from simulators.ledger import Ledger
from simulators.operator_api import CarParkHeld, NotAllowed, OperatorApi, patiently
from simulators.parkers import Parkers
from simulators.payers import Payers
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
    parkers: Mapping[str, str] | None = None,
    cameras: CameraPlan | None = None,
    on_progress: Callable[[CityProgress], None] | None = None,
) -> None:
    """Simulate until cancelled; then every car park says goodbye. `car_parks` None: all that the token may manage.

    `ledger_path` gets what was published and acknowledged (`simulators.ledger`). `drivers`, tokens by name, reserve
    and come; `parkers` have agreements, and come without a promise. Raises NothingToSimulate, NotAllowed, BrokerSilent.
    """
    held = await _inventory(http_url, token, clock, car_parks)
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_path)) if ledger_path is not None else None
        payers = Payers(http_url, clock, seed=seed)
        simulation = Simulation(
            held,
            clock,
            seed=seed,
            speed=speed,
            zone=ZoneInfo(time_zone),
            faults=faults or FaultPlan(seed),
            cameras=cameras or CameraPlan(),
            overhear=(lambda _, order: payers.see(order)) if parkers else None,
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
                    if parkers and (billed := await _put_tariffs(http_url, token, clock, simulation, speed)):
                        paying = Parkers(BillingApi(api), simulation, clock, parkers, billed, seed=seed)
                        living += [paying.run(), payers.run()]
                    await _until_one_ends(living)
            finally:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(simulation.say_goodbye(speakers), _FAREWELL_S_MAX)
        finally:
            await speakers.close()


async def _put_tariffs(http_url: str, token: str, clock: Clock, simulation: Simulation, speed: float) -> Sequence[str]:
    """Which car parks bill: those with cameras, whose tariff has been put in force."""
    async with OperatorApi(http_url, token) as api:
        for car_park in simulation.with_cameras:
            tariff = tariff_of(car_park, speed)
            try:
                await patiently(partial(api.put_tariff, car_park, {**tariff, "valid_from": BEGAN}), clock)
            except NotAllowed:  # there has been another one: this is the tariff from now on
                await patiently(partial(api.put_tariff, car_park, tariff), clock)
    return simulation.with_cameras


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
