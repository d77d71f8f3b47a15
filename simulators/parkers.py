"""Drivers who have an agreement to pay later: they come without a promise, park, leave first, and pay what is due.

They speak only REST; what cameras see of their cars goes through the simulated car parks.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from contracts.wire import Plate
from simulators.billing_api import BillingApi
from simulators.clock import Clock
from simulators.drivers import Gates
from simulators.operator_api import NotAllowed
from simulators.plates import DRIVERS_FROM, plate_of

PARKERS_FROM: Final = DRIVERS_FROM + 500
"""Their vehicles, within the hundred thousand of a seed's drivers."""
FAILING: Final = "90001"
"""The sandbox collects nothing from a plate that ends so."""
_AGAIN_S: Final = 5.0
_log = logging.getLogger(__name__)


class ParkingHabits:
    """Seconds of ours: between two visits, in a car park, and from one look at what is due to the next."""

    def __init__(
        self,
        rests_s: tuple[float, float] = (3.0, 40.0),
        stays_s: tuple[float, float] = (15.0, 100.0),
        looks_s: tuple[float, float] = (120.0, 600.0),
    ) -> None:
        self.rests_s, self.stays_s, self.looks_s = rests_s, stays_s, looks_s


class Parkers:
    """All of them. `told` counts visits, agreements, and payments of what was due."""

    def __init__(
        self,
        api: BillingApi,
        gates: Gates,
        clock: Clock,
        tokens: Mapping[str, str],
        car_parks: Sequence[str],
        *,
        seed: int = 0,
        habits: ParkingHabits | None = None,
    ) -> None:
        """`tokens` by driver; `car_parks` are those whose cameras read plates."""
        self._api, self._gates, self._clock = api, gates, clock
        self._tokens, self._car_parks, self._seed = tokens, car_parks, seed
        self._habits = habits or ParkingHabits()
        self.told: Counter[str] = Counter()

    async def run(self) -> None:
        """Visit after visit, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, (driver, token) in enumerate(self._tokens.items()):
                group.create_task(self._live(number, token), name=driver)
                group.create_task(self._pay_what_is_due(number, token), name=f"{driver}'s phone")

    async def visit(self, number: int, car_park: str, stay_s: float) -> None:
        """In, parked, out again."""
        vehicle = self.vehicle(number)
        self._gates.enter(car_park, vehicle)
        slot = self._gates.park(car_park, vehicle, None)
        await self._clock.sleep(stay_s if slot is not None else _AGAIN_S)
        if slot is not None:
            self._gates.unpark(car_park, slot)
        self._gates.leave(car_park, vehicle)
        self.told["visits"] += 1

    def vehicle(self, number: int) -> int:
        """Always the same."""
        return PARKERS_FROM + self._seed % 100 * 1_000 + number

    def plate(self, number: int) -> Plate:
        found = plate_of(self.vehicle(number))
        assert found is not None, "drivers have plates"  # noqa: S101
        return found

    async def _live(self, number: int, token: str) -> None:
        dice = random.Random(f"{self._seed} parker {number}")  # noqa: S311 - a seeded play
        await self._clock.sleep(dice.uniform(*self._habits.rests_s))
        if number % 5:  # every fifth has none, and pays at the barrier
            try:
                await self._api.agree(token, self.plate(number))
                self.told["agreed"] += 1
            except NotAllowed as refused:  # also: he has one from an earlier day
                _log.debug("no agreement: %s", refused)
        while True:
            await self.visit(number, dice.choice(self._car_parks), dice.uniform(*self._habits.stays_s))
            await self._clock.sleep(dice.uniform(*self._habits.rests_s))

    async def _pay_what_is_due(self, number: int, token: str) -> None:
        dice = random.Random(f"{self._seed} phone {number}")  # noqa: S311 - a seeded play
        while True:
            await self._clock.sleep(dice.uniform(*self._habits.looks_s))
            try:
                due = await self._api.due(token)
                if due:
                    await self._api.pay(token, due)
                    self.told["paid"] += 1
            except NotAllowed as refused:
                _log.debug("not paid: %s", refused)
