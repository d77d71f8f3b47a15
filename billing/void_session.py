"""An operator takes a session back, or lets a vehicle go: nobody is billed for it, whatever passages come later."""

from billing.bill_session import Till
from billing.errors import WrongState
from billing.session_lifecycle import State, may_become
from billing.sql import decisions
from billing.sql import sessions as sql
from billing.take_back import take_back
from contracts.ids import CarParkId, LaneLabel
from contracts.lane_orders import give_what_can_be_obeyed
from contracts.orders import OrderKind, WantedOrder
from kernel.db import Row, Tx


async def void_session(tx: Tx, till: Till, row: Row, *, reason: str) -> Row:
    """The locked session did not happen, or must not be billed. What was paid for it goes back. Raises WrongState."""
    return await _end(tx, till, row, State.VOIDED, reason)


async def pass_free(tx: Tx, till: Till, row: Row, *, reason: str) -> Row:
    """The vehicle may leave for nothing, and the barrier opens if it stands there. Raises WrongState."""
    after = State.FREE_PASSED if row["state"] == State.ORPHAN_EXIT else State.VOIDED
    moved = await _end(tx, till, row, after, reason)
    for wait in await decisions.leave_of_session(tx, row["id"]):
        wanted = WantedOrder(
            car_park=CarParkId(wait["car_park"]),
            kind=OrderKind.OPEN_BARRIER,
            cause=f"{OrderKind.OPEN_BARRIER}:passed_free:{wait['passage']}",
            reason="passed_free",
            actor=till.actor,
            lane=LaneLabel(wait["lane"]),
        )
        await give_what_can_be_obeyed(tx, till.give_order, wanted)
    return moved


async def _end(tx: Tx, till: Till, row: Row, after: State, reason: str) -> Row:
    if not may_become(State(row["state"]), after):
        raise WrongState(
            f"{row['id']} is {row['state']}: what was paid for is given back with a refund, what is over stays so",
            session=row["id"],
            state=row["state"],
        )
    (moved,) = await sql.move(tx, [(row, {"state": after, "reason": reason})])
    await take_back(tx, moved, actor=till.actor)
    return moved
