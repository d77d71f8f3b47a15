"""History in daily partitions: made ahead, never in the way, dropped by retention."""

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.facts import Facts
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.partitions import keep_partitions
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, space_seen
from tests.integration.occupancy.conftest import Record

TODAY = date(2026, 11, 23)


async def rows(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        number: int = await tx.fetchval(f"SELECT count(*) FROM occupancy.{table}")
        return number


async def days(database: Database, table: str) -> list[str]:
    async with database.transaction() as tx:
        found = await tx.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = to_regclass('occupancy.' || $1) ORDER BY 1",
            table,
        )
    return [row["name"].rsplit("_", 1)[-1] for row in found]


async def test_a_week_ahead_and_again_is_nothing(database: Database, settings: OccupancySettings) -> None:
    for _ in range(2):
        await keep_partitions(database, settings)
        assert await days(database, "sample") == [
            *(f"{TODAY + timedelta(days=ahead):%Y%m%d}" for ahead in range(-1, 8)),
            "default",
        ]


async def test_what_came_before_its_partition_moves_into_it(
    database: Database, settings: OccupancySettings, record: Record
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await record(
        Facts(spaces=[space_seen(a), space_seen(a, "free", -200_000)], counts=[count_seen(1), count_seen(2, 1)])
    )
    assert await rows(database, "space_event_default") == 2
    await keep_partitions(database, settings)
    assert (await rows(database, "space_event_default"), await rows(database, "space_event_20261123")) == (1, 1)
    assert (await rows(database, "count_event_default"), await rows(database, "count_event_20261123")) == (0, 2)
    repeated = await record(Facts(spaces=[space_seen(a)], counts=[count_seen(1)]))
    assert repeated.tallies[HERE].duplicate == 2


async def test_midnight_needs_nobody(
    database: Database, settings: OccupancySettings, record: Record, clock: ManualClock
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await keep_partitions(database, settings)
    clock.advance(30 * 86_400)
    await record(Facts(spaces=[space_seen(a, "occupied", 30 * 86_400)]))
    assert await rows(database, "space_event_default") == 1
    await keep_partitions(database, settings)
    assert await rows(database, "space_event_20261223") == 1


@pytest.mark.parametrize("retention_days", [None, 2])
async def test_retention(database: Database, record: Record, clock: ManualClock, retention_days: int | None) -> None:
    await add_car_park(database, capacity=9)
    await keep_partitions(database, OccupancySettings())
    ancient = (datetime(2016, 10, 4, tzinfo=UTC) - datetime(2026, 11, 23, tzinfo=UTC)).total_seconds()
    await record(Facts(counts=[count_seen(1, ancient), count_seen(2), count_seen(3, 5 * 86_400)]))
    clock.advance(5 * 86_400)
    await keep_partitions(database, OccupancySettings(retention_days=retention_days))
    assert await rows(database, "count_event") == (3 if retention_days is None else 1)
    assert ("20261123" in await days(database, "sample")) is (retention_days is None)
