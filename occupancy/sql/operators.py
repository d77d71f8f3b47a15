"""Whose a car park is."""

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx

OWN = "SELECT id FROM registry.car_park_card WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY($2))"

OPERATOR = "SELECT operator FROM registry.car_park_card WHERE id = $1"


async def own_car_park(tx: Tx, car_park: CarParkId, caller: Caller) -> CarParkId | None:
    """`car_park`, if it is in use and `caller` may manage it."""
    found: str | None = await tx.fetchval(OWN, car_park, caller.covered)
    return None if found is None else CarParkId(found)


async def operator_of(tx: Tx, car_park: CarParkId) -> str:
    """Who runs `car_park`, which is in use."""
    operator: str = await tx.fetchval(OPERATOR, car_park)
    return operator
