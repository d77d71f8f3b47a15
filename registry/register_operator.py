"""Operators: the city's own key names them; an operator may rename itself."""

from contracts.ids import OperatorId, Slug
from kernel.callers import Caller
from kernel.db import Tx
from kernel.edge_problems import MalformedBody
from registry.bodies import NameIn, Wanted
from registry.catalogue import Operator
from registry.errors import REFUSALS, UnknownOperator
from registry.sql import audit, car_parks


class OperatorIn(Wanted):
    """An operator's name; without one, the id serves."""

    name: NameIn | None = None
    id: Slug | None = None


async def register_operator(tx: Tx, caller: Caller, operator: OperatorId, wanted: OperatorIn) -> bool:
    """Make `operator` known under the wanted name; whether it is new. Raises MalformedBody, a refusal."""
    if wanted.id is not None and wanted.id != operator:
        raise MalformedBody.of("id", f"is not the id in the path, {operator}", wanted.id)
    name = (wanted.name or NameIn(zh=operator)).value()
    with tx.guard(REFUSALS, operator=operator):
        is_new = await car_parks.upsert_operator(tx, Operator(operator, name), caller.covered)
    if is_new is None:
        raise UnknownOperator(operator=operator)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=operator,
        action="operator.create" if is_new else "operator.change",
        subject=f"operator/{operator}",
        detail={"name": {"zh": name.zh, "en": name.en}},
    )
    await audit.bump_revision(tx)
    return is_new
