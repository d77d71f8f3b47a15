"""Daily partitions: which there are, making one, dropping one.

PostgreSQL takes parameters in queries only: not for a table's name, and not at all in CREATE, LOCK, ALTER and DROP. So
names and bounds are written into these statements, and come from nowhere but `PARTITIONED` and a `date`; where a value
can be a parameter it is one.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from kernel.db import Tx

PARTITIONED: Final = ("space_event", "count_event", "sample")
"""The tables of history, each RANGE-partitioned by the UTC day of `at`, with a default for every other day."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
"""Whoever waits for a lock lets nobody pass behind it: rather give up and come back at the next turn."""

PARTITION_DAYS = """
SELECT right(child.relname, 8) AS day
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = to_regclass('occupancy.' || $1) AND child.relname ~ '_[0-9]{8}$'
"""

CREATE_PARTITION = "CREATE TABLE {name} (LIKE occupancy.{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"

LOCK_DEFAULT = "LOCK TABLE occupancy.{table}_default IN ACCESS EXCLUSIVE MODE"

MOVE_ROWS = """
WITH moved AS (DELETE FROM occupancy.{table}_default WHERE at >= $1 AND at < $2 RETURNING *)
INSERT INTO {name} SELECT * FROM moved
"""

ATTACH_PARTITION = """
ALTER TABLE occupancy.{table} ATTACH PARTITION {name}
    FOR VALUES FROM ('{begin:%Y-%m-%d} 00:00+00') TO ('{end:%Y-%m-%d} 00:00+00')
"""

DROP_PARTITION = "DROP TABLE {name}"

DELETE_OLD = """
DELETE FROM occupancy.{table}_default WHERE ctid IN (
    SELECT ctid FROM occupancy.{table}_default WHERE at < $1 LIMIT $2)
"""


async def partition_days(tx: Tx, table: str) -> set[date]:
    """The days for which `table` has a partition."""
    rows = await tx.fetch(PARTITION_DAYS, table)
    return {date(int(row["day"][:4]), int(row["day"][4:6]), int(row["day"][6:])) for row in rows}


async def make_partition(tx: Tx, table: str, day: date) -> None:
    """A partition of `table` for the UTC `day`, with what the default has of that day moved into it.

    Attaching locks the default but not the table, so the days that have a partition go on being written.
    """
    name = _name(table, day)
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(days=1)
    await tx.execute(LOCK_TIMEOUT)
    await tx.execute(CREATE_PARTITION.format(table=table, name=name))
    await tx.execute(LOCK_DEFAULT.format(table=table))
    await tx.execute(MOVE_ROWS.format(table=table, name=name), begin, end)
    await tx.execute(ATTACH_PARTITION.format(table=table, name=name, begin=begin, end=end))


async def drop_partition(tx: Tx, table: str, day: date) -> None:
    await tx.execute(LOCK_TIMEOUT)
    await tx.execute(DROP_PARTITION.format(name=_name(table, day)))


async def delete_old_default_rows(tx: Tx, table: str, before: datetime, *, rows_max: int) -> int:
    """Delete up to `rows_max` rows older than `before` that lie in no day's partition; how many there were."""
    return await tx.execute(DELETE_OLD.format(table=table), before, rows_max)


def _name(table: str, day: date) -> str:
    return f"occupancy.{table}_{day:%Y%m%d}"
