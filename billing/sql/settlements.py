"""Operators' business days: opened, moved on, listed; what their journals come to is in `settled`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from kernel.db import Row, Tx

WAITING: Final = """
-- Of each operator the oldest journal that no settlement has, and its last day. From operator to operator by the index:
-- a day's journals are many.
WITH RECURSIVE waits AS (
    (SELECT operator, at FROM billing.settlement_item WHERE settlement IS NULL ORDER BY operator, at LIMIT 1)
    UNION ALL
    SELECT following.operator, following.at FROM waits CROSS JOIN LATERAL (
        SELECT operator, at FROM billing.settlement_item
        WHERE settlement IS NULL AND operator > waits.operator ORDER BY operator, at LIMIT 1
    ) AS following
)
SELECT waits.operator, waits.at, last.day, last.ends, last.state FROM waits LEFT JOIN LATERAL (
    SELECT day, ends, state FROM billing.settlement
    WHERE settlement.operator = waits.operator ORDER BY day DESC LIMIT 1
) AS last ON true
ORDER BY waits.operator
"""
OPEN: Final = """
INSERT INTO billing.settlement (id, operator, day, begins, ends, state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 'open', $6, $6) ON CONFLICT ON CONSTRAINT settlement_day_once DO NOTHING
"""
TO_FREEZE: Final = "SELECT id FROM billing.settlement WHERE state = 'open' AND ends <= $1 ORDER BY day, id"
TO_SPLIT: Final = """
SELECT id, operator FROM billing.settlement WHERE state IN ('frozen', 'held') AND NOT is_split ORDER BY day, id
"""
TO_RECONCILE: Final = "SELECT id FROM billing.settlement WHERE state = 'frozen' AND is_split ORDER BY day, id"
LOCK: Final = "SELECT * FROM billing.settlement WHERE id = $1 FOR UPDATE"
LOCK_FREE: Final = "SELECT * FROM billing.settlement WHERE id = $1 AND state = $2 FOR UPDATE SKIP LOCKED"
EARLIER_UNSPLIT: Final = """
SELECT FROM billing.settlement
WHERE operator = $1 AND day < $2 AND NOT is_split AND state IN ('open', 'frozen', 'held') LIMIT 1
"""
TAKE_ITEMS: Final = """
UPDATE billing.settlement_item SET settlement = $1 WHERE journal IN (
    SELECT journal FROM billing.settlement_item
    WHERE operator = $2 AND settlement IS NULL AND at < $3 ORDER BY at LIMIT $4)
"""
CLOSE: Final = """
UPDATE billing.settlement SET version = version + 1, ends = $2, updated_at = $2
WHERE id = $1 AND state = 'open' AND begins < $2 AND ends > $2
"""
MOVE: Final = """
UPDATE billing.settlement
SET version = version + 1, state = $3, updated_at = $4, held_in = $5, reason = coalesce($6, reason), paid = $7,
    is_split = is_split OR $8, held_by_city = $9,
    frozen_at = CASE WHEN $3 = 'frozen' THEN coalesce(frozen_at, $4) ELSE frozen_at END,
    reconciled_at = CASE WHEN $3 = 'reconciled' THEN coalesce(reconciled_at, $4) ELSE reconciled_at END,
    paid_out_at = CASE WHEN $3 = 'paid_out' THEN $4 ELSE paid_out_at END
WHERE id = $1 AND version = $2
RETURNING *
"""
LOCK_OPERATOR: Final = "SELECT pg_advisory_xact_lock(hashtextextended('billing.settlement ' || $1, 0))"
READ: Final = """
SELECT settlement.*, operator.name_zh, operator.name_en FROM billing.settlement
LEFT JOIN registry.operator_directory AS operator ON operator.id = settlement.operator
WHERE settlement.id = $1 AND ($2::text[] IS NULL OR settlement.operator = ANY ($2))
"""
PAGE: Final = """
SELECT settlement.*, operator.name_zh, operator.name_en FROM billing.settlement
LEFT JOIN registry.operator_directory AS operator ON operator.id = settlement.operator
WHERE ($1::text[] IS NULL OR settlement.operator = ANY ($1)) AND ($2::text IS NULL OR settlement.operator = $2)
    AND day >= $3 AND day < $4 AND ($5::text[] IS NULL OR state = ANY ($5))
    AND (day, settlement.id) < ($6, $7)
ORDER BY day DESC, settlement.id DESC LIMIT $8
"""


async def waiting(tx: Tx) -> list[Row]:
    """`operator`, `at` of the oldest journal that waits, and of the operator's last day `day`, `ends`, `state`."""
    return await tx.fetch(WAITING)


async def open_day(tx: Tx, settlement: str, operator: str, day: date, bounds: tuple[datetime, datetime]) -> None:
    """Unless it is there."""
    await tx.execute(OPEN, settlement, operator, day, *bounds, tx.now)


async def to_freeze(tx: Tx) -> list[str]:
    """Open days that are over."""
    return [row["id"] for row in await tx.fetch(TO_FREEZE, tx.now)]


async def to_split(tx: Tx) -> list[Row]:
    """Frozen days of which something is not split, in order."""
    return await tx.fetch(TO_SPLIT)


async def to_reconcile(tx: Tx) -> list[str]:
    """Frozen days, in order."""
    return [row["id"] for row in await tx.fetch(TO_RECONCILE)]


async def lock(tx: Tx, settlement: str) -> Row | None:
    return await tx.fetchrow(LOCK, settlement)


async def lock_in(tx: Tx, settlement: str, state: str) -> Row | None:
    """None when it is in another state, or somebody has it."""
    return await tx.fetchrow(LOCK_FREE, settlement, state)


async def has_unsplit_before(tx: Tx, operator: str, day: date) -> bool:
    """Whether an earlier day of the operator is not split: it comes first."""
    return bool(await tx.fetch(EARLIER_UNSPLIT, operator, day))


async def take_items(tx: Tx, row: Row, limit: int) -> int:
    """Of its operator's journals that came before its end and are no other settlement's so many; how many they were."""
    return await tx.execute(TAKE_ITEMS, row["id"], row["operator"], row["ends"], limit)


async def close(tx: Tx, settlement: str) -> bool:
    """An open day ends now. False for one that is not open, or has ended."""
    return bool(await tx.execute(CLOSE, settlement, tx.now))


async def move(
    tx: Tx,
    row: Row,
    state: str,
    *,
    held_in: str | None = None,
    reason: str | None = None,
    paid: int | None = None,
    is_split: bool = False,
    held_by_city: bool = False,
) -> Row | None:
    """The row after the move; None when it was moved meanwhile."""
    values = (held_in, reason, paid, is_split, held_by_city)
    return await tx.fetchrow(MOVE, row["id"], row["version"], state, tx.now, *values)


async def lock_operator(tx: Tx, operator: str) -> None:
    """Until the transaction ends nobody else pays the operator out, or ends one of its days."""
    await tx.fetch(LOCK_OPERATOR, operator)


async def read(tx: Tx, settlement: str, operators: Sequence[str] | None) -> Row | None:
    """If it is of one of `operators` (None: any); with the operator's name."""
    return await tx.fetchrow(READ, settlement, operators)


async def page(
    tx: Tx,
    operators: Sequence[str] | None,
    *,
    operator: str | None,
    since: date,
    until: date,
    states: Sequence[str] | None,
    below: tuple[date, str],
    limit: int,
) -> list[Row]:
    """The latest day first, below the key (day, id); `[since, until)`."""
    values: tuple[Any, ...] = (operators, operator, since, until, states, *below, limit)
    return await tx.fetch(PAGE, *values)
