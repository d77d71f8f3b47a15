"""What channels told, once each; what was set aside waits for a person."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from kernel.db import Row, Tx

KEEP: Final = """
INSERT INTO billing.callback (channel, id, kind, received_at, outcome, reason, told, payment)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
KNOWN: Final = "SELECT EXISTS (SELECT FROM billing.callback WHERE (channel, id) = ($1, $2))"
_MANAGED: Final = """
($2::text[] IS NULL OR EXISTS (
    SELECT FROM billing.payment_charge AS part JOIN billing.charge ON charge.id = part.charge
    WHERE part.payment = callback.payment AND charge.operator = ANY ($2)))
"""
PAGE: Final = f"""
SELECT callback.* FROM billing.callback
WHERE ($1::text[] IS NULL OR outcome = ANY ($1)) AND {_MANAGED}
    AND ($3::timestamptz IS NULL OR (received_at, channel, id) < ($3, $4::text, $5::text))
ORDER BY received_at DESC, channel DESC, id DESC LIMIT $6
"""
OWN: Final = f"SELECT callback.* FROM billing.callback WHERE (channel, id) = ($1, $3) AND {_MANAGED} FOR UPDATE"
RESOLVE: Final = """
UPDATE billing.callback SET outcome = 'resolved', answer = $3, resolved_by = $4, resolved_at = $5
WHERE (channel, id) = ($1, $2) RETURNING *
"""
FORGET: Final = """
DELETE FROM billing.callback WHERE (channel, id) IN (
    SELECT channel, id FROM billing.callback
    WHERE received_at < $1 AND outcome <> 'quarantined' ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


async def keep(
    tx: Tx,
    channel: str,
    number: str,
    *,
    kind: str,
    outcome: str,
    told: dict[str, Any],
    reason: str | None = None,
    payment: str | None = None,
) -> bool:
    """False when it was heard before."""
    return await tx.execute(KEEP, channel, number, kind, tx.now, outcome, reason, told, payment) > 0


async def is_known(tx: Tx, channel: str, number: str) -> bool:
    """Whether it was heard before; what it is about is locked."""
    return bool(await tx.fetchval(KNOWN, channel, number))


async def page(
    tx: Tx,
    *,
    outcomes: Sequence[str] | None,
    covered: Sequence[str] | None,
    below: tuple[Any, str, str] | None,
    limit: int,
) -> list[Row]:
    """Newest first; what names no payment of ours is for whoever covers every operator."""
    at, channel, number = below or (None, None, None)
    return await tx.fetch(PAGE, outcomes, covered, at, channel, number, limit)


async def own(tx: Tx, channel: str, number: str, covered: Sequence[str] | None) -> Row | None:
    """Locked, if it concerns what is covered."""
    return await tx.fetchrow(OWN, channel, covered, number)


async def resolve(tx: Tx, channel: str, number: str, *, answer: str, actor: str) -> Row:
    """`number` is locked."""
    (row,) = await tx.fetch(RESOLVE, channel, number, answer, actor, tx.now)
    return row


async def forget(tx: Tx, kept_for: timedelta, limit: int) -> int:
    """Those that are settled, and older than that."""
    return await tx.execute(FORGET, tx.now - kept_for, limit)
