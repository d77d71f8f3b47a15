"""The newest word of every source of the car parks in hand, read under their locks."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy import sql
from occupancy.places import Places
from occupancy.sources import Count, Measures, SpaceSums
from occupancy.sql import upkeep
from occupancy.sql.drift import corrections_of
from occupancy.standing import Standing


async def read_measures(
    tx: Tx,
    standings: Mapping[CarParkId, Standing],
    places: Places,
    *,
    zone_counted: Collection[CarParkId] = (),
    counted: Collection[CarParkId] = (),
) -> dict[CarParkId, Measures]:
    """The sources of each of `standings`, whose sums are shared and so move with them.

    Zones are added up only where they decide: in car parks measured zone by zone, or whose zones are counted
    (`zone_counted` names those that just are; `counted` those of which a counter or a lane just spoke).
    """
    counts: dict[CarParkId, dict[str, Count]] = defaultdict(dict)
    for row in await sql.count_states(tx, list(standings)):
        counts[CarParkId(row["car_park"])][row["zone"]] = Count(
            row["occupied"], row["capacity"], row["at"], row["epoch"], row["seq"], row["out_of_service"]
        )
    zoned = [
        car_park
        for car_park in standings
        if (place := places.of(car_park).place).zones
        and (place.measured_by == "mixed" or car_park in zone_counted or any(counts[car_park]))
    ]
    zones = await _zone_sums(tx, zoned)
    told = [
        car_park
        for car_park, standing in standings.items()
        if counts[car_park] or standing.passages.at or car_park in counted
    ]
    corrections = await corrections_of(tx, told) if told else {}
    return {
        car_park: Measures(
            standing.spaces,
            counts[car_park],
            zones.get(car_park),
            standing.passages,
            corrections.get(car_park, {}),
        )
        for car_park, standing in standings.items()
    }


async def count_spaces(tx: Tx, car_parks: Sequence[CarParkId]) -> dict[CarParkId, SpaceSums]:
    """The true sums of `car_parks`, of which every one is there even when no space of it was ever heard."""
    sums = {car_park: SpaceSums() for car_park in car_parks}
    for row in await upkeep.count_spaces(tx, car_parks) if car_parks else ():
        sums[CarParkId(row["car_park"])] = SpaceSums(
            row["occupied"], row["free"], row["out_of_service"], row["unknown"], row["at"]
        )
    return sums


async def _zone_sums(tx: Tx, car_parks: list[CarParkId]) -> dict[CarParkId, dict[str, SpaceSums]]:
    sums: dict[CarParkId, dict[str, SpaceSums]] = {car_park: defaultdict(SpaceSums) for car_park in car_parks}
    for row in await sql.zone_sums(tx, car_parks) if car_parks else ():
        zone = sums[CarParkId(row["car_park"])][row["zone"]]
        setattr(zone, row["state"], row["spaces"])
        zone.at = _later(zone.at, row["at"])
    return sums


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None or other > one else one
