"""A frozen day is what the channels say it is: their fees are taken off, and it may be paid out."""

from collections.abc import Sequence

from billing.ledger import fees_taken
from billing.post import post
from billing.settlement_lifecycle import State
from billing.sql import settled
from billing.sql import settlements as sql
from kernel.db import Tx


async def reconcile_day(tx: Tx, settlement: str, channels: Sequence[str]) -> bool:
    """Whether it is by now. `channels` are those that make up bills: of others nothing more is to be found out."""
    row = await sql.lock_in(tx, settlement, State.FROZEN)
    if row is None or not row["is_split"] or await settled.is_unproved(tx, settlement, channels):
        return False
    fees = await settled.take_fees(tx, settlement, row["operator"])
    if fees:
        await post(tx, fees_taken(row["operator"], settlement, fees), settlement=settlement)
    await settled.keep_figures(tx, settlement)
    return await sql.move(tx, row, State.RECONCILED) is not None
