"""Promises that are over, as reservation publishes what they cost."""

from typing import Final

from kernel.db import Row, Tx

COST: Final = """
    SELECT cost.*, coalesce(card.operator, '') AS operator,
        EXISTS (SELECT FROM billing.charge WHERE charge.reservation = cost.id) AS is_charged
    FROM reservation.promise_cost AS cost LEFT JOIN registry.car_park_card AS card ON card.id = cost.car_park
    WHERE cost.id = $1
"""


async def cost(tx: Tx, reservation: str) -> Row | None:
    """What it costs in the end, and whether that was asked for already; None: it is not over."""
    return await tx.fetchrow(COST, reservation)
