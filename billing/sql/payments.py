"""Payments and their parts: made, claimed for a talk with the channel, and moved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from billing.payment_lifecycle import LEASE, State
from kernel.db import Row, Tx

INSERT: Final = """
INSERT INTO billing.payment (id, way, driver, plate, color, channel, out_trade_no, amount, state, ordered, action,
    poll_at, expires_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10, $11, $12, $13, $13)
RETURNING *
"""
INSERT_PART: Final = "INSERT INTO billing.payment_charge (payment, charge, amount) VALUES ($1, $2, $3)"
READ: Final = "SELECT * FROM billing.payment WHERE id = $1"
LOCK: Final = "SELECT * FROM billing.payment WHERE id = $1 FOR UPDATE"
LOCK_NUMBER: Final = "SELECT * FROM billing.payment WHERE channel = $1 AND out_trade_no = $2 FOR UPDATE"
OF_TRANSACTION: Final = "SELECT id FROM billing.payment WHERE channel = $1 AND transaction = $2"
PARTS: Final = "SELECT charge, amount, paid FROM billing.payment_charge WHERE payment = $1 ORDER BY charge"
PAYS: Final = """
SELECT charge.*, part.amount AS asked FROM billing.payment_charge AS part JOIN billing.charge ON charge.id = part.charge
WHERE part.payment = $1 ORDER BY charge.id
"""
TOOK: Final = "UPDATE billing.payment_charge SET paid = $3 WHERE payment = $1 AND charge = $2"
CLAIM: Final = """
-- Whoever has it next talks to the channel about it, for as long as a lease.
UPDATE billing.payment SET attempts = attempts + 1, poll_at = $2, version = version + 1
WHERE id = $1 AND state IN ('created', 'sent', 'accepted') AND (attempts = 0 OR poll_at <= $3)
RETURNING *
"""
CLAIM_DUE: Final = """
UPDATE billing.payment SET attempts = attempts + 1, poll_at = $2, version = version + 1
WHERE id IN (SELECT id FROM billing.payment WHERE poll_at <= $1 ORDER BY poll_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
LATER: Final = """
-- It was asked once more than it moved.
UPDATE billing.payment
SET version = version + 1, poll_at = $3, error = coalesce($4, error), action = coalesce($5, action)
WHERE id = $1 AND version = $2 AND state IN ('created', 'sent', 'accepted')
"""
PUT_OFF: Final = """
-- Nothing was sent: the attempt did not take place.
UPDATE billing.payment SET poll_at = $3, attempts = attempts - 1, version = version + 1
WHERE id = $1 AND version = $2 AND state IN ('created', 'sent', 'accepted')
"""
ASK_NOW: Final = """
UPDATE billing.payment SET poll_at = $2, version = version + 1
WHERE id = $1 AND state IN ('created', 'sent', 'accepted')
"""
MOVE: Final = """
UPDATE billing.payment
SET version = version + 1, state = $3, transaction = coalesce($4, transaction), is_advanced = is_advanced OR $5,
    is_repaid = is_repaid OR $6, error = $7, succeeded_at = $8, poll_at = $9, updated_at = $10
WHERE id = $1 AND version = $2
RETURNING *
"""
UNDER_WAY: Final = """
-- Payments that may still bring money for any of these charges.
SELECT payment.*, ARRAY(SELECT charge FROM billing.payment_charge WHERE payment = payment.id ORDER BY charge) AS charges
FROM billing.payment
WHERE state IN ('created', 'sent', 'accepted')
    AND id IN (SELECT payment FROM billing.payment_charge WHERE charge = ANY ($1))
ORDER BY id DESC
"""
PAID_BY: Final = """
SELECT payment.*, part.paid FROM billing.payment_charge AS part JOIN billing.payment ON payment.id = part.payment
WHERE part.charge = $1 AND part.paid > 0
"""
HAS_AGREEMENT: Final = """
SELECT EXISTS (
    SELECT FROM billing.agreement
    WHERE driver = $1 AND (plate, color) = ($2, $3) AND state NOT IN ('pending', 'ended')
)
"""
AGREEMENT: Final = """
SELECT channel, contract FROM billing.agreement WHERE (plate, color) = ($1, $2) AND state = 'active'
"""


async def insert(
    tx: Tx,
    payment: str,
    *,
    way: str,
    driver: str | None,
    plate: str | None,
    color: str | None,
    channel: str,
    out_trade_no: str,
    parts: Sequence[tuple[str, int]],
    ordered: dict[str, Any],
    action: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> Row:
    """`parts`: (charge, fen). It is claimed by the first who comes, and looked at after a lease if nobody does."""
    amount = sum(amount for _, amount in parts)
    asked_at = tx.now + LEASE
    values = (way, driver, plate, color, channel, out_trade_no, amount, ordered, action, asked_at, expires_at, tx.now)
    (row,) = await tx.fetch(INSERT, payment, *values)
    await tx.executemany(INSERT_PART, [(payment, charge, part) for charge, part in parts])
    return row


async def read(tx: Tx, payment: str) -> Row | None:
    return await tx.fetchrow(READ, payment)


async def lock(tx: Tx, payment: str) -> Row | None:
    """Locked before any charge of it."""
    return await tx.fetchrow(LOCK, payment)


async def lock_number(tx: Tx, channel: str, out_trade_no: str) -> Row | None:
    """The same, by the number that the channel knows."""
    return await tx.fetchrow(LOCK_NUMBER, channel, out_trade_no)


async def of_transaction(tx: Tx, channel: str, transaction: str) -> str | None:
    """The payment that the channel knows by this name of its own."""
    payment: str | None = await tx.fetchval(OF_TRANSACTION, channel, transaction)
    return payment


async def parts(tx: Tx, payment: str) -> list[Row]:
    """`charge`, `amount` and what the charge took of it, in the order of the charges."""
    return await tx.fetch(PARTS, payment)


async def pays(tx: Tx, payment: str) -> list[Row]:
    """The charges that it is for, each with what was `asked` for it; not locked."""
    return await tx.fetch(PAYS, payment)


async def took(tx: Tx, payment: str, charge: str, amount: int) -> None:
    """The charge was paid with so much of its part."""
    await tx.execute(TOOK, payment, charge, amount)


async def claim(tx: Tx, payment: str) -> Row | None:
    """For one talk with the channel; None while another talks, or when there is nothing to talk about."""
    return await tx.fetchrow(CLAIM, payment, tx.now + LEASE, tx.now)


async def claim_due(tx: Tx, limit: int) -> list[Row]:
    """The same for those whose time has come, the longest waiting first."""
    return await tx.fetch(CLAIM_DUE, tx.now, tx.now + LEASE, limit)


async def later(
    tx: Tx, row: Row, poll_at: datetime, *, error: str | None = None, action: dict[str, Any] | None = None
) -> None:
    """Asked again at `poll_at`; nothing, if it moved meanwhile."""
    await tx.execute(LATER, row["id"], row["version"], poll_at, error, action)


async def put_off(tx: Tx, row: Row, poll_at: datetime) -> None:
    """Claimed, and not asked for: nothing, if it moved meanwhile."""
    await tx.execute(PUT_OFF, row["id"], row["version"], poll_at)


async def ask_now(tx: Tx, payment: str) -> None:
    await tx.execute(ASK_NOW, payment, tx.now)


async def move(
    tx: Tx,
    row: Row,
    state: State,
    *,
    transaction: str | None,
    is_advanced: bool,
    is_repaid: bool,
    error: str | None,
    poll_at: datetime | None,
) -> Row:
    """`row` is locked."""
    succeeded_at = (row["succeeded_at"] or tx.now) if state is State.SUCCEEDED else None
    values = (state, transaction, is_advanced, is_repaid, error, succeeded_at, poll_at, tx.now)
    (moved,) = await tx.fetch(MOVE, row["id"], row["version"], *values)
    return moved


async def under_way(tx: Tx, charges: Sequence[str]) -> list[Row]:
    """With their `charges`, newest first."""
    return await tx.fetch(UNDER_WAY, list(charges))


async def paid_by(tx: Tx, charge: str) -> Row | None:
    """The payment that paid it, and how much of it that was (`paid`)."""
    return await tx.fetchrow(PAID_BY, charge)


async def has_agreement(tx: Tx, driver: str, plate: str, color: str) -> bool:
    """Whether this driver agreed to pay for this vehicle."""
    return bool(await tx.fetchval(HAS_AGREEMENT, driver, plate, color))


async def agreement(tx: Tx, plate: str, color: str) -> Row | None:
    """`channel` and `contract` of the agreement under which this vehicle may be charged."""
    return await tx.fetchrow(AGREEMENT, plate, color)
