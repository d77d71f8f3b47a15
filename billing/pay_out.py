"""A reconciled day is paid to its operator: all that is the operator's by it, less what earlier days were short of."""

from billing.errors import UnknownSettlement, WrongState
from billing.ledger import paid_out
from billing.post import post
from billing.settlement_lifecycle import State
from billing.sql import settled
from billing.sql import settlements as sql
from kernel.db import Row, Tx


async def pay_out(tx: Tx, settlement: str) -> Row:
    """The row after it. A day that is short (more was given back than came in) is paid out with nothing, and what it is
    short of is taken off the next one. Raises UnknownSettlement, WrongState.
    """
    seen = await sql.read(tx, settlement, None)
    if seen is None:
        raise UnknownSettlement(settlement=settlement)
    await sql.lock_operator(tx, seen["operator"])
    row = await sql.lock(tx, settlement)
    if row is None or row["state"] != State.RECONCILED:
        state = seen["state"] if row is None else row["state"]
        raise WrongState(f"{settlement} is {state}: only what is reconciled is paid out", state=state)
    amount = max(0, await settled.net(tx, settlement) + await settled.carried(tx, row["operator"]))
    if amount:
        await post(tx, paid_out(row["operator"], settlement, amount), settlement=settlement)
    moved = await sql.move(tx, row, State.PAID_OUT, paid=amount)
    assert moved is not None, "the row is locked"  # noqa: S101
    return moved
