"""What changes in a car park without anybody reporting: it goes stale, opens, closes, is changed in the registry; its
trend moves on; its sums are counted again.

Each verb locks the rows it changes, as recording does, and returns what is to be published after the commit.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final

from contracts.availability import Availability, CarParkState
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.availability import is_stale
from occupancy.fusion import SpaceSums, fuse
from occupancy.measures import read_measures
from occupancy.places import KnownPlace
from occupancy.record import Recorder
from occupancy.sql import standings as sql
from occupancy.sql import upkeep as reading

TREND_OVER: Final = timedelta(minutes=15)
TREND_LOOKS_BACK: Final = timedelta(days=1)
"""A car park without a sample for a day before that has no trend: the search stays within two partitions."""


class Sweep:
    """Finds the car parks that the clock or the registry changed; remembers the registry it last saw."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._seen: dict[CarParkId, KnownPlace] = {}
        self._looked: dict[CarParkId, KnownPlace] = {}

    async def look(self, tx: Tx) -> tuple[list[CarParkId], set[CarParkId]]:
        """Whom to retell: those that went stale, opened or closed, and (again in the second) whose entry changed."""
        places, settings = self._recorder.places, self._recorder.settings
        await places.refresh(tx)
        changed: set[CarParkId] = set()
        touched: list[CarParkId] = []
        for row in await reading.brief_standings(tx):
            car_park = CarParkId(row["car_park"])
            if car_park not in places:
                continue
            known = places.of(car_park)
            if known is not self._seen.get(car_park):
                changed.add(car_park)
            stale = is_stale(row["as_of"], tx.now, settings)
            closed = known.opening.is_closed(tx.now)
            if car_park in changed or stale != row["stale"] or closed != (row["state"] == CarParkState.CLOSED):
                touched.append(car_park)
        self._looked = {car_park: places.of(car_park) for car_park in places.ids()}
        return sorted(touched), changed

    def dealt_with(self) -> None:
        """Everyone whom the last look found was retold, and that is committed."""
        self._seen = self._looked


async def retell_now(
    tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId], *, recount: Collection[CarParkId] = ()
) -> list[Availability]:
    """Fuse what is known of `car_parks` again, with the sums of those in `recount` counted afresh."""
    if not car_parks:
        return []
    standings = await sql.lock_standings(tx, car_parks)
    before = {car_park: standing.told for car_park, standing in standings.items()}
    for car_park, sums in (await _counted(tx, [*recount])).items():
        standings[car_park].spaces = sums
    for car_park, measures in (await read_measures(tx, standings, recorder.places)).items():
        standings[car_park].believe(fuse(measures, recorder.places.of(car_park).place, recorder.policy))
    return await recorder.conclude(tx, standings, before)


async def find_trends(tx: Tx) -> dict[CarParkId, int]:
    """How much more is free than a quarter of an hour ago, where that is not what was told."""
    then = tx.now - TREND_OVER
    rows = await reading.trends(tx, then, then - TREND_LOOKS_BACK)
    return {CarParkId(row["car_park"]): row["change"] for row in rows if row["trend"] != row["change"]}


async def set_trends(tx: Tx, recorder: Recorder, found: Mapping[CarParkId, int]) -> list[Availability]:
    """Take over trends that were `found`."""
    standings = await sql.lock_standings(tx, sorted(found))
    before = {car_park: standing.told for car_park, standing in standings.items()}
    for car_park, change in found.items():
        standings[car_park].trend = change
    return await recorder.conclude(tx, standings, before)


async def recount(tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId]) -> tuple[int, list[Availability]]:
    """Count the spaces of `car_parks` again; how many sums were wrong, and what to publish of them."""
    standings = await sql.lock_standings(tx, car_parks)
    counted = await _counted(tx, car_parks)
    wrong = sorted(car_park for car_park, sums in counted.items() if standings[car_park].spaces != sums)
    return len(wrong), await retell_now(tx, recorder, wrong, recount=wrong)


async def _counted(tx: Tx, car_parks: Sequence[CarParkId]) -> dict[CarParkId, SpaceSums]:
    """The true sums of `car_parks`, of which every one is there even when no space of it was ever heard."""
    sums = {car_park: SpaceSums() for car_park in car_parks}
    for row in await reading.count_spaces(tx, car_parks) if car_parks else ():
        sums[CarParkId(row["car_park"])] = SpaceSums(
            row["occupied"], row["free"], row["out_of_service"], row["unknown"], row["at"]
        )
    return sums
