"""A vehicle that waits before a barrier is decided on anew, because what stood against its credit has gone: it has paid
elsewhere, or agreed.

In the transaction of the cause. Whoever is just being decided on by another one is passed over, so that neither waits
for the other.
"""

from datetime import timedelta
from typing import Final

from billing.eligibility import why_not
from billing.exit_decision import ACTOR, COLLECT, Decision, Way
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
    if charge is None or tx.now - wait["since"] > timedelta(seconds=stands.policy.barrier_wait_s):
        return False
    amount = charges.charge_of(charge).open
    if why_not(stands.policy, stands.known, amount=amount):
        return False
    due_at = tx.now + timedelta(seconds=stands.policy.collect_s)
    moved = await charges.move(
        tx,
        charge,
        charges.charge_of(charge),
        UNBLOCKED,
        actor=ACTOR,
        detail={},
        due_at=due_at,
        remind_at=stands.policy.look_again_at(due_at, level=charge["level"]),
        driver=stands.driver,
    )
    if moved is None:
        return False
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
