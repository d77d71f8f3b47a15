"""Sensors of one car park that send the same hour one after the other: its curve in the end is that of all of them."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from contracts.facts import Facts, SpaceSeen
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.mend_curves import mend_curves
from occupancy.meters import OccupancyMeters
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import HERE, add_car_park, at, count_seen, space_seen
from tests.integration.occupancy.conftest import Record

MINUTE = 60


@pytest.fixture
def meters() -> OccupancyMeters:
    return OccupancyMeters(CollectorRegistry())


async def curve(database: Database) -> list[tuple[Any, ...]]:
    """Minutes after eight, occupied, out of service."""
    async with database.transaction(readonly=True) as tx:
        rows = await tx.fetch("SELECT at, occupied, out_of_service FROM occupancy.sample ORDER BY at, number")
    return [((row["at"] - at(0)).total_seconds() / MINUTE, *tuple(row)[1:]) for row in rows]


def hour(space: Any, *words: tuple[float, str]) -> list[SpaceSeen]:
    return [space_seen(space, state, minute * MINUTE, received=3600) for minute, state in words]  # type: ignore[arg-type]  # the words are right


async def test_two_kept_hours_make_one_curve(
    database: Database, record: Record, meters: OccupancyMeters, site: Site, clock: ManualClock
) -> None:
    clock.advance(3600)
    a, b = await add_car_park(database, capacity=2, spaces=2)
    first = hour(b, (0, "free"), (10, "occupied"), (40, "free"), (55, "free"))
    second = hour(a, (0, "free"), (5, "occupied"), (15, "free"), (30, "occupied"), (50, "out_of_service"))
    await record(Facts(spaces=first))
    for word in second:  # in as many batches as may be
        await record(Facts(spaces=[word]))
    await mend_curves(database, meters)
    expected = [(0, 0, 0), (5, 1, 0), (10, 2, 0), (15, 1, 0), (30, 2, 0), (40, 1, 0), (50, 0, 1)]
    assert await curve(database) == expected
    await mend_curves(database, meters)
    await record(Facts(spaces=second))
    await mend_curves(database, meters)
    assert await curve(database) == expected
    async with site.client.get(
        f"/v1/car-parks/{HERE}/history?from=2026-11-23T00:00:00Z&until=2026-11-23T01:00:00Z&step=PT1H"
    ) as response:
        (step,) = (await response.json())["items"]
    # minutes occupied: b 10 to 40, a 5 to 15 and 30 to 50
    assert (step["occupied"], step["total_sessions"]) == (1.0, 3)


async def test_the_curve_that_went_on_meanwhile_stays(
    database: Database, record: Record, meters: OccupancyMeters
) -> None:
    a, b, c = await add_car_park(database, capacity=3, spaces=3)
    await record(Facts(spaces=hour(b, (0, "free"), (20, "occupied"), (60, "free"))))
    await record(Facts(spaces=hour(a, (0, "free"), (10, "occupied"))))
    await record(Facts(spaces=hour(b, (70, "occupied"))))
    await record(Facts(spaces=hour(c, (0, "free"), (30, "occupied"), (65, "free"))))
    await mend_curves(database, meters)
    assert await curve(database) == [
        (0, 0, 0),
        (10, 1, 0),
        (20, 2, 0),
        (30, 3, 0),
        (60, 2, 0),
        (65, 1, 0),
        (70, 2, 0),
    ]


async def test_the_words_of_a_counter_are_left_alone(
    database: Database, record: Record, meters: OccupancyMeters
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2, measured_by="counts")
    await record(Facts(counts=[count_seen(1, minute * MINUTE, capacity=2) for minute in (0, 30, 60)]))
    await record(Facts(spaces=hour(a, (0, "occupied"), (20, "free"))))
    await record(Facts(spaces=hour(b, (5, "occupied"))))
    before = await curve(database)
    await mend_curves(database, meters)
    assert await curve(database) == before == [(0, 1, 0), (30, 1, 0), (60, 1, 0)]


async def test_what_comes_in_time_is_noted_by_nobody(database: Database, record: Record) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    for second in range(0, 600, 30):
        await record(Facts(spaces=[space_seen(a, "occupied" if second % 60 else "free", second + 45)]))
        await record(Facts(spaces=[space_seen(b, "free" if second % 60 else "occupied", second)]))
    async with database.transaction(readonly=True) as tx:
        assert await tx.fetchval("SELECT count(*) FROM occupancy.belated_move") == 0
