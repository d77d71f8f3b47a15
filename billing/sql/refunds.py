"""Refunds: made, claimed for a talk with the channel, and moved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billing.payment_lifecycle import LEASE, RefundState
from kernel.db import Row, Tx

INSERT: Final = """
INSERT INTO billing.refund (id, payment, charge, payer, out_refund_no, amount, state, reason, actor, poll_at,
    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'created', $7, $8, $9, $10, $10) RETURNING *
"""
GIVEN: Final = """
-- What was given back of a charge, or will be.
SELECT coalesce(sum(amount), 0)::bigint FROM billing.refund WHERE charge = $1 AND state <> 'failed'
"""
READ: Final = "SELECT * FROM billing.refund WHERE id = $1"
OF_NUMBER: Final = """
SELECT refund.id, refund.payment, refund.amount FROM billing.refund JOIN billing.payment ON payment.id = refund.payment
WHERE out_refund_no = $2 AND payment.channel = $1
"""
LOCK: Final = "SELECT * FROM billing.refund WHERE id = $1 FOR UPDATE"
CLAIM: Final = """
UPDATE billing.refund SET attempts = attempts + 1, poll_at = $2, version = version + 1
WHERE id = $1 AND state IN ('created', 'sent') AND (attempts = 0 OR poll_at <= $3)
RETURNING *
"""
CLAIM_DUE: Final = """
UPDATE billing.refund SET attempts = attempts + 1, poll_at = $2, version = version + 1
WHERE id IN (SELECT id FROM billing.refund WHERE poll_at <= $1 ORDER BY poll_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
LATER: Final = """
UPDATE billing.refund SET poll_at = $3, error = coalesce($4, error), version = version + 1
WHERE id = $1 AND version = $2 AND state IN ('created', 'sent')
"""
PUT_OFF: Final = """
-- Nothing was sent: the attempt did not take place.
UPDATE billing.refund SET poll_at = $3, attempts = attempts - 1, version = version + 1
WHERE id = $1 AND version = $2 AND state IN ('created', 'sent')
"""
ASK_NOW: Final = """
UPDATE billing.refund SET poll_at = $2, version = version + 1 WHERE id = $1 AND state IN ('created', 'sent')
"""
MOVE: Final = """
UPDATE billing.refund
SET version = version + 1, state = $3, transaction = coalesce($4, transaction), error = $5, poll_at = $6,
    updated_at = $7
WHERE id = $1 AND version = $2
RETURNING *
"""
_SEEN: Final = """
SELECT refund.*, payment.channel, payment.driver, charge.operator, charge.car_park
FROM billing.refund JOIN billing.payment ON payment.id = refund.payment
LEFT JOIN billing.charge ON charge.id = refund.charge
"""
_MANAGED: Final = "($2::text[] IS NULL OR charge.operator = ANY ($2))"
SEEN: Final = f"{_SEEN} WHERE refund.id = $1 AND (payment.driver = $3 OR {_MANAGED})"
PAGE: Final = f"""{_SEEN}
WHERE ($1::text IS NULL OR refund.id < $1) AND (payment.driver = $3 OR {_MANAGED})
    AND ($4::text IS NULL OR refund.charge = $4) AND ($5::text[] IS NULL OR refund.state = ANY ($5))
ORDER BY refund.id DESC LIMIT $6
"""


async def insert(
    tx: Tx,
    refund: str,
    *,
    payment: str,
    charge: str | None,
    payer: str | None,
    out_refund_no: str,
    amount: int,
    reason: str,
    actor: str,
) -> Row:
    """Of a charge, or of what a payer paid too much."""
    values = (payment, charge, payer, out_refund_no, amount, reason, actor, tx.now + LEASE, tx.now)
    (row,) = await tx.fetch(INSERT, refund, *values)
    return row


async def given(tx: Tx, charge: str) -> int:
    """Fen that went back, or are about to; its payment is locked."""
    return int(await tx.fetchval(GIVEN, charge))


async def read(tx: Tx, refund: str) -> Row | None:
    return await tx.fetchrow(READ, refund)


async def of_number(tx: Tx, channel: str, out_refund_no: str) -> Row | None:
    """`id`, `payment` and `amount`."""
    return await tx.fetchrow(OF_NUMBER, channel, out_refund_no)


async def lock(tx: Tx, refund: str) -> Row | None:
    """Its payment is locked before."""
    return await tx.fetchrow(LOCK, refund)


async def claim(tx: Tx, refund: str) -> Row | None:
    """For one talk with the channel; None while another talks, or when there is nothing to talk about."""
    return await tx.fetchrow(CLAIM, refund, tx.now + LEASE, tx.now)


async def claim_due(tx: Tx, limit: int) -> list[Row]:
    return await tx.fetch(CLAIM_DUE, tx.now, tx.now + LEASE, limit)


async def later(tx: Tx, row: Row, poll_at: datetime, *, error: str | None = None) -> None:
    await tx.execute(LATER, row["id"], row["version"], poll_at, error)


async def put_off(tx: Tx, row: Row, poll_at: datetime) -> None:
    """Claimed, and not asked for: nothing, if it moved meanwhile."""
    await tx.execute(PUT_OFF, row["id"], row["version"], poll_at)


async def ask_now(tx: Tx, refund: str) -> None:
    await tx.execute(ASK_NOW, refund, tx.now)


async def move(
    tx: Tx, row: Row, state: RefundState, *, transaction: str | None, error: str | None, poll_at: datetime | None
) -> Row:
    """`row` is locked."""
    (moved,) = await tx.fetch(MOVE, row["id"], row["version"], state, transaction, error, poll_at, tx.now)
    return moved


async def seen(tx: Tx, refund: str, covered: Sequence[str] | None, driver: str | None) -> Row | None:
    """With channel, driver, operator and car park, for whom it concerns."""
    return await tx.fetchrow(SEEN, refund, covered, driver)


async def page(
    tx: Tx,
    *,
    covered: Sequence[str] | None,
    driver: str | None,
    charge: str | None,
    states: Sequence[str] | None,
    below: str | None,
    limit: int,
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE, below, covered, driver, charge, states, limit)
