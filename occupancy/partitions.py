"""History lies in a partition a day, made ahead; what is older than the retention goes, partition by partition.

Every other day's rows (a recording of years ago, or a worker that slept for a week) go to the default partition, so an
insert never fails for want of a partition; when the day's own is made, its rows move there.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from kernel.db import Database
from occupancy.settings import OccupancySettings
from occupancy.sql import partitions as sql

DAYS_BEHIND: Final = 1
DAYS_AHEAD: Final = 7
"""A worker may be away for a week before a day begins without its partition."""
DELETE_ROWS_MAX: Final = 20_000
"""Old rows deleted in one transaction: short enough to be in nobody's way."""


async def keep_partitions(database: Database, settings: OccupancySettings) -> None:
    """Make the partitions of the days around today, drop those beyond the retention; each in its own transaction."""
    today = database.clock.now().date()
    wanted = [today + timedelta(days=days) for days in range(-DAYS_BEHIND, DAYS_AHEAD + 1)]
    for table in sql.PARTITIONED:
        async with database.transaction() as tx:
            existing = await sql.partition_days(tx, table)
        for day in wanted:
            if day not in existing:
                async with database.transaction() as tx:
                    await sql.make_partition(tx, table, day)
        if settings.retention_days is not None:
            await _drop_old(database, table, existing, today - timedelta(days=settings.retention_days))


async def _drop_old(database: Database, table: str, existing: set[date], first_kept: date) -> None:
    for day in sorted(existing):
        if day < first_kept:
            async with database.transaction() as tx:
                await sql.drop_partition(tx, table, day)
    before = datetime.combine(first_kept, time(), UTC)
    deleted = DELETE_ROWS_MAX
    while deleted == DELETE_ROWS_MAX:
        async with database.transaction() as tx:
            deleted = await sql.delete_old_default_rows(tx, table, before, rows_max=DELETE_ROWS_MAX)
