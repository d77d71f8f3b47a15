"""Drivers who reserve: they ask, hold, confirm, come, park, leave, as an app and a car would. They speak only REST;
what cameras and sensors say of their cars goes through the simulated car parks.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from contracts.wire import Plate
from simulators.clock import Clock
from simulators.driver_api import DriverApi, Reserved
from simulators.operator_api import NotAllowed, Unavailable
from simulators.plates import DRIVERS_FROM, plate_of
from simulators.trips import COMES, Habits, Trip, plan_trip

LET_IN_S_MAX: Final = 10.0
"""Whoever is not seen to be let in by then looks for a place all the same."""
_LOOK_S: Final = 0.5
_AGAIN_S: Final = 5.0
_log = logging.getLogger(__name__)


class Gates(Protocol):
    """What a car does at and in a car park."""

    def enter(self, car_park: str, vehicle: int) -> str: ...
    def leave(self, car_park: str, vehicle: int) -> str: ...
    def park(self, car_park: str, vehicle: int, space: str | None) -> int | None: ...
    def unpark(self, car_park: str, slot: int) -> None: ...


class Drivers:
    """All of them. `told` counts what became of their trips, by what they had in mind: ("keeps", "completed"): 12."""

    def __init__(
        self,
        api: DriverApi,
        gates: Gates,
        clock: Clock,
        tokens: Mapping[str, str],
        car_parks: Sequence[str],
        *,
        seed: int = 0,
        habits: Habits | None = None,
    ) -> None:
        """`tokens` by driver; `car_parks` are those that may promise something."""
        self._api, self._gates, self._clock = api, gates, clock
        self._tokens, self._car_parks, self._seed = tokens, car_parks, seed
        self._habits = habits or Habits()
        self.told: Counter[tuple[str, str]] = Counter()

    async def run(self) -> None:
        """Trip after trip, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, (driver, token) in enumerate(self._tokens.items()):
                group.create_task(self._drive(number, token), name=driver)

    async def trip(self, number: int, token: str, trip: Trip) -> str:
        """One trip of driver `number`; the state in which his reservation was last seen, or why there was none."""
        vehicle = DRIVERS_FROM + self._seed % 100 * 1_000 + number
        plate = plate_of(vehicle)
        assert plate is not None, "drivers have plates"  # noqa: S101
        begins = self._clock.now() + timedelta(seconds=trip.ahead_s)
        try:
            reserved = await self._reserve(token, plate, trip, begins)
        except NotAllowed as refused:
            _log.debug("not reserved: %s", refused)
            return "refused"
        if reserved is None:
            return "no offer"
        if trip.habit in COMES:
            await self._visit(token, vehicle, trip, reserved, begins)
        return (await self._api.read(token, reserved.id)).state

    async def _drive(self, number: int, token: str) -> None:
        dice = random.Random(f"{self._seed} {number}")  # noqa: S311 - a seeded play
        while True:
            trip = plan_trip(dice, self._habits, self._car_parks)
            await self._clock.sleep(trip.rests_s)
            try:
                self.told[trip.habit, await self.trip(number, token, trip)] += 1
            except NotAllowed as refused:
                _log.info("trip given up: %s", refused)
                await self._clock.sleep(_AGAIN_S)

    async def _reserve(self, token: str, plate: Plate, trip: Trip, begins: datetime) -> Reserved | None:
        """Held and, unless he lets it go, confirmed. Raises NotAllowed."""
        offers = await self._api.offers(trip.car_park, begins, begins + timedelta(seconds=trip.stay_s))
        if not offers:
            return None
        reserved = await self._api.hold(token, offers[0].offer, plate)
        if trip.habit == "lets_go":
            return reserved
        reserved = await self._api.step(token, reserved.id, "confirm")
        return await self._api.step(token, reserved.id, "cancel") if trip.habit == "cancels" else reserved

    async def _visit(self, token: str, vehicle: int, trip: Trip, reserved: Reserved, begins: datetime) -> None:
        await self._until(begins + timedelta(seconds=trip.arrives_s))
        car_park = reserved.car_park
        self._gates.enter(car_park, vehicle)
        reserved = await self._let_in(token, reserved)
        slot = self._gates.park(car_park, vehicle, reserved.space)
        if slot is None:
            self.told[trip.habit, "found it taken"] += 1
            self._gates.leave(car_park, vehicle)
            return
        until = reserved.until
        if trip.habit == "extends":
            with contextlib.suppress(NotAllowed):
                later = until + timedelta(seconds=0.2 * trip.stay_s)
                until = (await self._api.step(token, reserved.id, "extend", until=later.isoformat())).until
        await self._until(until + timedelta(seconds=trip.leaves_s))
        self._gates.unpark(car_park, slot)
        self._gates.leave(car_park, vehicle)
        await self._seen(token, reserved, "completed")

    async def _let_in(self, token: str, reserved: Reserved) -> Reserved:
        """The reservation once its car was recognised: with another space, where his was taken."""
        return await self._seen(token, reserved, "checked_in")

    async def _seen(self, token: str, reserved: Reserved, state: str) -> Reserved:
        deadline = self._clock.monotonic() + LET_IN_S_MAX
        while reserved.state != state and self._clock.monotonic() < deadline:
            await self._clock.sleep(_LOOK_S)
            with contextlib.suppress(Unavailable):
                reserved = await self._api.read(token, reserved.id)
        return reserved

    async def _until(self, at: datetime) -> None:
        while (left_s := (at - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(left_s)
