"""Payments as drivers, operators and whoever stands at a barrier look at them."""

from collections.abc import Sequence
from typing import Final

from kernel.db import Row, Tx

ASKED_FOR: Final = """
-- What whoever has the number of a charge may see of it.
SELECT charge.car_park, charge.plate, charge.ticket, card.name_zh AS car_park_name,
    CASE WHEN charge.state IN ('quoted', 'due', 'accepted', 'overdue', 'disputed', 'adjusted', 'written_off')
        THEN charge.amount - charge.paid ELSE 0 END AS open
FROM billing.charge LEFT JOIN registry.car_park_card AS card ON card.id = charge.car_park
WHERE charge.id = $1
"""
OPERATOR_OF: Final = "SELECT operator FROM billing.charge WHERE id = $1"
PAGE: Final = """
SELECT * FROM billing.payment WHERE driver = $1 AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
"""
PAGE_OF_OPERATORS: Final = """
SELECT * FROM billing.payment
WHERE ($1::text IS NULL OR id < $1) AND ($3::text[] IS NULL OR state = ANY ($3))
    AND ($4::text IS NULL OR id IN (SELECT payment FROM billing.payment_charge WHERE charge = $4))
    AND ($2::text[] IS NULL OR EXISTS (
        SELECT FROM billing.payment_charge AS part JOIN billing.charge ON charge.id = part.charge
        WHERE part.payment = payment.id AND charge.operator = ANY ($2)))
ORDER BY id DESC LIMIT $5
"""
OPERATORS: Final = """
SELECT DISTINCT charge.operator FROM billing.payment_charge AS part JOIN billing.charge ON charge.id = part.charge
WHERE part.payment = $1 ORDER BY operator
"""


async def asked_for(tx: Tx, charge: str) -> Row | None:
    """`open` in fen, the car park with its name, the vehicle or ticket."""
    return await tx.fetchrow(ASKED_FOR, charge)


async def operator_of(tx: Tx, charge: str) -> Row | None:
    """`operator`."""
    return await tx.fetchrow(OPERATOR_OF, charge)


async def page_of_driver(tx: Tx, driver: str, *, below: str | None, limit: int) -> list[Row]:
    return await tx.fetch(PAGE, driver, below, limit)


async def page_of_operators(
    tx: Tx,
    covered: Sequence[str] | None,
    *,
    states: Sequence[str] | None,
    charge: str | None,
    below: str | None,
    limit: int,
) -> list[Row]:
    """Newest first, of those whose charges are covered (None: all)."""
    return await tx.fetch(PAGE_OF_OPERATORS, below, covered, states, charge, limit)


async def operators(tx: Tx, payment: str) -> list[str]:
    """Whose charges it pays."""
    return [row["operator"] for row in await tx.fetch(OPERATORS, payment)]
