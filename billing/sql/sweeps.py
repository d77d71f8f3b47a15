"""What the clock does to sessions. Rows that somebody holds are passed over, so that no sweep waits."""

from typing import Final

from billing.policy import BillingPolicy
from kernel.db import Row, Tx

DOUBT: Final = """
    UPDATE billing.session SET version = version + 1, state = 'suspect', reason = 'open_too_long', updated_at = $1
    WHERE id IN (
        SELECT session.id FROM billing.session
        LEFT JOIN billing.policy AS own ON own.car_park = session.car_park
        LEFT JOIN billing.policy AS city ON city.car_park = ''
        WHERE session.state = 'open' AND session.entry_at <= $1::timestamptz - make_interval(hours => coalesce(
            (own.policy ->> 'suspect_after_h')::integer, (city.policy ->> 'suspect_after_h')::integer, $2
        ))
        ORDER BY session.id LIMIT $3 FOR NO KEY UPDATE OF session SKIP LOCKED
    )
"""
_DEFAULT_H: Final[int] = BillingPolicy.model_fields["suspect_after_h"].default


async def doubt(tx: Tx, *, limit: int) -> int:
    """How many were doubted."""
    return await tx.execute(DOUBT, tx.now, _DEFAULT_H, limit)


_NOTHING_OWED: Final = """
    NOT EXISTS (
        SELECT FROM billing.charge WHERE charge.session = session.id
            AND charge.state IN ('due', 'accepted', 'overdue', 'disputed', 'adjusted')
    )
"""
CLOSE: Final = f"""
    UPDATE billing.session SET version = version + 1, state = 'closed', updated_at = $2
    WHERE id IN (
        SELECT session.id FROM billing.session
        WHERE session.state = 'rated' AND session.id = ANY ($1) AND {_NOTHING_OWED}
        ORDER BY session.id FOR NO KEY UPDATE OF session SKIP LOCKED
    )
"""


async def close(tx: Tx, *sessions: str) -> int:
    """Those of `sessions` of which nothing is owed any more."""
    return await tx.execute(CLOSE, list(sessions), tx.now)


CLOSE_ALL: Final = f"""
    UPDATE billing.session SET version = version + 1, state = 'closed', updated_at = $1
    WHERE id IN (
        SELECT session.id FROM billing.session WHERE session.state = 'rated' AND {_NOTHING_OWED}
        ORDER BY session.id LIMIT $2 FOR NO KEY UPDATE OF session SKIP LOCKED
    )
"""


async def close_all(tx: Tx, *, limit: int) -> int:
    """How many were closed."""
    return await tx.execute(CLOSE_ALL, tx.now, limit)


UNBILLED: Final = """
    SELECT * FROM billing.session WHERE state = 'exited' AND reason IS NULL
    ORDER BY entry_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""


async def unbilled(tx: Tx, *, limit: int) -> list[Row]:
    """Stays that are over and that nobody has priced yet, locked; those that began first."""
    return await tx.fetch(UNBILLED, limit)


WAITING: Final = """
    SELECT state, count(*) FILTER (WHERE state <> 'exited' OR reason IS NOT NULL) AS waiting,
        min(updated_at) FILTER (WHERE state = 'exited' AND reason IS NULL) AS unbilled_since
    FROM billing.session WHERE state IN ('exited', 'suspect', 'orphan_exit') GROUP BY state
"""


async def waiting(tx: Tx) -> tuple[dict[str, int], float]:
    """How many stays of each state wait for a person; for how many seconds the oldest has waited for its price."""
    rows = await tx.fetch(WAITING)
    since = [row["unbilled_since"] for row in rows if row["unbilled_since"] is not None]
    return {row["state"]: row["waiting"] for row in rows}, (tx.now - min(since)).total_seconds() if since else 0.0
