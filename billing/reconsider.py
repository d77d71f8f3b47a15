"""A vehicle that waits before a barrier is decided on anew, because what stood against its credit has gone: it has paid
elsewhere, or agreed.

In the transaction of the cause. Whoever is just being decided on by another one is passed over, so that neither waits
for the other.
"""

from datetime import timedelta
from typing import Final

from billing.ask_at_exit import leave_first
from billing.charge_lifecycle import State
from billing.eligibility import why_not
from billing.exit_decision import ACTOR, COLLECT
from billing.exit_way import Decision, Way
from billing.sql import charges, decisions
from billing.sql.standing import standing
from contracts.ids import CarParkId, LaneLabel
from contracts.lane_orders import give_what_can_be_obeyed
from contracts.orders import GiveOrder, OrderKind, WantedOrder
from kernel.db import Row, Tx
from kernel.jobs import enqueue
from kernel.moments import wire_time

UNBLOCKED: Final = "unblocked"


async def reconsider(tx: Tx, give_order: GiveOrder, *, plate: str | None, color: str | None) -> bool:
    """Whether the vehicle goes on: it leaves first now, and pays later."""
    if plate is None or color is None:
        return False
    wait = await decisions.waiting_vehicle(tx, plate, color)
    if wait is None or wait["at_exit"]["way"] != Way.PAY_AT_BARRIER:
        return False
    stands = await standing(tx, wait["car_park"], plate=plate, color=color, session=wait["session"])
    charge = await charges.lock_if_free(tx, wait["charge"])
    if charge is None or charge["state"] not in (State.DUE, State.OVERDUE):
        return False
    if tx.now - wait["since"] > timedelta(seconds=stands.policy.barrier_wait_s):
        return False
    amount = charges.charge_of(charge).open
    if why_not(stands.policy, stands.known, amount=amount):
        return False
    await leave_first(tx, charge, stands)
    await _let_go(tx, give_order, wait, amount=amount, driver=stands.driver)
    return True


async def _let_go(tx: Tx, give_order: GiveOrder, wait: Row, *, amount: int, driver: str | None) -> None:
    decision = Decision(way=Way.PAY_LATER, amount=amount, charge=wait["charge"])
    document = {**wait["at_exit"], **decision.document(), UNBLOCKED: wire_time(tx.now)}
    await decisions.leave(tx, [wait["charge"]])
    await decisions.change_at_exit(tx, wait["session"], document, driver)
    await enqueue(tx, COLLECT, wait["charge"].encode(), once=f"{COLLECT} {wait['charge']}")
    wanted = WantedOrder(
        car_park=CarParkId(wait["car_park"]),
        kind=OrderKind.OPEN_BARRIER,
        cause=f"{OrderKind.OPEN_BARRIER}:{UNBLOCKED}:{wait['charge']}",
        reason=Way.PAY_LATER,
        actor=ACTOR,
        lane=LaneLabel(wait["lane"]),
    )
    await give_what_can_be_obeyed(tx, give_order, wanted)
