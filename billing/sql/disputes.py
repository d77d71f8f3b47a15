"""Objections to charges: made by drivers, decided by operators."""

from collections.abc import Sequence
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

INSERT: Final = """
    INSERT INTO billing.dispute (id, charge, operator, car_park, driver, kind, reason, state, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)
    RETURNING *
"""


async def insert(tx: Tx, dispute: str, charge: Row, *, driver: str, kind: str, reason: str) -> Row:
    (row,) = await tx.fetch(
        INSERT, dispute, charge["id"], charge["operator"], charge["car_park"], driver, kind, reason, tx.now
    )
    return row


async def of_charge(tx: Tx, charge: str) -> list[Row]:
    """The newest first."""
    return await tx.fetch("SELECT * FROM billing.dispute WHERE charge = $1 ORDER BY id DESC LIMIT 20", charge)


IS_OF: Final = "SELECT EXISTS (SELECT FROM billing.dispute WHERE charge = $1 AND driver = $2)"


async def is_of(tx: Tx, charge: str, driver: str) -> bool:
    """Whether the driver has objected to it."""
    return bool(await tx.fetchval(IS_OF, charge, driver))


PAGE: Final = """
    SELECT dispute.*, charge.state AS charge_state, charge.amount AS charge_amount, charge.paid AS charge_paid,
        charge.refunded AS charge_refunded, charge.plate, charge.color, charge.ticket, charge.begins, charge.ends
    FROM billing.dispute JOIN billing.charge ON charge.id = dispute.charge
    WHERE ($1::text[] IS NULL OR dispute.operator = ANY ($1)) AND ($2::text IS NULL OR dispute.id < $2)
        AND ($3::text[] IS NULL OR dispute.state = ANY ($3)) AND ($4::text IS NULL OR dispute.car_park = $4)
    ORDER BY dispute.id DESC LIMIT $5
"""


async def page(
    tx: Tx, caller: Caller, *, below: str | None, states: Sequence[str] | None, car_park: str | None, limit: int
) -> list[Row]:
    """Of the operators whom `caller` covers, newest first."""
    return await tx.fetch(PAGE, caller.covered, below, states, car_park, limit)


async def read_own(tx: Tx, dispute: str, caller: Caller) -> Row | None:
    """If `caller` covers its operator."""
    return await tx.fetchrow(
        "SELECT * FROM billing.dispute WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))",
        dispute,
        caller.covered,
    )


DECIDE: Final = """
    UPDATE billing.dispute
    SET state = $3, answer = $4, amount = $5, decided_by = $6, decided_at = $7, version = version + 1
    WHERE id = $1 AND version = $2 AND state = 'open'
    RETURNING *
"""


async def decide(tx: Tx, row: Row, state: str, *, answer: str, amount: int | None, actor: str) -> Row | None:
    """None: somebody else was faster."""
    return await tx.fetchrow(DECIDE, row["id"], row["version"], state, answer, amount, actor, tx.now)
