"""Policies: the city's and a car park's, as they are stored: only what each says itself."""

from typing import Any, Final

from billing.policy import BillingPolicy
from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Row, Tx

CITY: Final = ""
"""The city's policy stands under no car park's name."""

MERGED: Final = """
    (SELECT policy FROM billing.policy WHERE car_park = '') AS city_policy,
    (SELECT policy FROM billing.policy WHERE car_park = $1) AS own_policy
"""
"""Columns for any statement whose first parameter is a car park; `merged` reads them."""


def merged(row: Row) -> BillingPolicy:
    """Of the columns `MERGED`."""
    return BillingPolicy.merged(row["city_policy"], row["own_policy"])


async def policy_of(tx: Tx, car_park: str) -> BillingPolicy:
    """How `car_park` bills now; "" is the city without any car park's own word."""
    (row,) = await tx.fetch(f"SELECT {MERGED}", car_park)
    return merged(row)


OWN: Final = f"""
    SELECT card.id, card.operator, {MERGED}, (SELECT updated_at FROM billing.policy WHERE car_park = $1) AS updated_at
    FROM registry.car_park_card AS card
    WHERE card.id = $1 AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""


async def own_car_park(tx: Tx, car_park: str, caller: Caller) -> Row | None:
    """The car park with its policies, if `caller` may manage it."""
    return await tx.fetchrow(OWN, car_park, caller.covered)


async def city(tx: Tx) -> Row | None:
    """`policy` and `updated_at`; None: all of it is default."""
    return await tx.fetchrow("SELECT policy, updated_at FROM billing.policy WHERE car_park = ''")


PUT: Final = """
    INSERT INTO billing.policy AS policy (car_park, policy, updated_at) VALUES ($1, $2, $3)
    ON CONFLICT (car_park) DO UPDATE SET policy = excluded.policy, updated_at = excluded.updated_at
"""


async def put(tx: Tx, car_park: CarParkId | str, said: dict[str, Any]) -> None:
    """Instead of all that was said before."""
    await tx.execute(PUT, car_park, said, tx.now)
