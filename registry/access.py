"""Whose things a caller may touch: for an operator's key, nothing of the other operators exists."""

from collections.abc import Sequence

from contracts.ids import CarParkId, OperatorId
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from registry.catalogue import Name, Operator
from registry.errors import REFUSALS, UnknownCarPark, UnknownOperator
from registry.sql import audit, car_parks


def operators_of(caller: Caller, operator: str | None) -> Sequence[str] | None:
    """Whose objects a list shows: all that `caller` covers, or `operator`'s alone. Raises UnknownOperator."""
    if operator is None:
        return caller.covered
    if not caller.may_manage(operator):
        raise UnknownOperator(operator=operator)
    return [operator]


async def own_car_park(tx: Tx, caller: Caller, car_park: CarParkId, *, lock: bool = False) -> Row:
    """The row of a car park in use that `caller` covers, locked when it will be written. Raises UnknownCarPark."""
    find = car_parks.lock_car_park if lock else car_parks.find_car_park
    row = await find(tx, car_park, caller.covered)
    if row is None or row["retired"]:
        raise UnknownCarPark(car_park=car_park)
    return row


async def chosen_operator(tx: Tx, caller: Caller, operator: str | None) -> OperatorId:
    """The operator that a write names, or the only one the caller covers; made when a key of every operator names it.

    Raises UnknownOperator, OperatorIdReserved, MalformedBody when none is named and none is obvious.
    """
    if operator is None:
        covered = caller.operators or frozenset()
        if len(covered) != 1:
            raise MalformedBody.of("operator", "is required with credentials that cover several operators")
        return OperatorId(next(iter(covered)))
    if not caller.may_manage(operator):
        raise UnknownOperator(operator=operator)
    chosen = OperatorId(operator)
    if caller.operators is not None:
        return chosen
    with tx.guard(REFUSALS, operator=operator):
        is_new = await car_parks.ensure_operator(tx, Operator(chosen, Name(operator, operator)))
    if is_new:
        await audit.record(
            tx, actor=caller.principal, operator=chosen, action="operator.create", subject=f"operator/{chosen}"
        )
    return chosen
