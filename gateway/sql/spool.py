"""Statements on the spool, and on the devices whose words lie in it."""

from collections.abc import Collection, Sequence

from kernel.db import Row, Tx

SPEAKS = """
SELECT EXISTS (SELECT FROM registry.device_directory
               WHERE id = $1 AND profile = $2 AND ($3::text[] IS NULL OR operator = ANY ($3)))
"""

# How much waits, as far as it matters.
WAITING = """
SELECT (SELECT count(*) FROM (SELECT FROM gateway.spool WHERE device = $1 LIMIT $2) AS of_device) >= $2
    OR (SELECT count(*) FROM (SELECT FROM gateway.spool LIMIT $3) AS of_all) >= $3
"""

KEEP = """
INSERT INTO gateway.spool (id, device, event, event_bytes, received_at) VALUES ($1, $2, $3, $4, $5)
"""

# The oldest that nobody else is working on; what is locked is somebody's, or gone when he is done.
TAKE = """
SELECT id, device, event, event_bytes, received_at FROM gateway.spool
WHERE id <> ALL ($2::text[]) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""

LOCK = """
SELECT id, device, event, event_bytes, received_at FROM gateway.spool WHERE id = $1 FOR UPDATE SKIP LOCKED
"""

DROP = "DELETE FROM gateway.spool WHERE id = ANY ($1)"


async def speaks(tx: Tx, device: str, profile: str, operators: Sequence[str] | None) -> bool:
    """Whether `device` of one of `operators` (None = every one) is registered with this profile."""
    registered: bool = await tx.fetchval(SPEAKS, device, profile, operators)
    return registered


async def is_full(tx: Tx, device: str, *, of_device_max: int, of_all_max: int) -> bool:
    """Whether as much waits of this device, or of all, as may."""
    full: bool = await tx.fetchval(WAITING, device, of_device_max, of_all_max)
    return full


async def keep(tx: Tx, spool_id: str, device: str, *, event: bytes, event_bytes: int) -> None:
    await tx.execute(KEEP, spool_id, device, event, event_bytes, tx.now)


async def take(tx: Tx, rows_max: int, *, but: Collection[str]) -> list[Row]:
    """Lock the oldest rows whose ids are not in `but`."""
    return await tx.fetch(TAKE, rows_max, list(but))


async def lock(tx: Tx, spool_id: str) -> Row | None:
    """This row, unless it is gone or somebody works on it."""
    return await tx.fetchrow(LOCK, spool_id)


async def drop(tx: Tx, ids: Sequence[str]) -> None:
    """What was recorded."""
    await tx.execute(DROP, ids)
