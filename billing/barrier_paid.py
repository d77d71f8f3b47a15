"""The vehicle that stood before a barrier until it had paid goes on, in the transaction that records the payment."""

from datetime import timedelta
from typing import Final

from billing.sql import decisions
from billing.sql.policies import policy_of
from contracts.ids import CarParkId, LaneLabel
from contracts.lane_orders import give_what_can_be_obeyed
from contracts.orders import GiveOrder, OrderKind, WantedOrder
from kernel.db import Row, Tx

ACTOR: Final = "billing"
PAID: Final = "paid"


async def barrier_paid(tx: Tx, give_order: GiveOrder, charge: Row) -> bool:
    """Open for whoever stands there because of `charge`, whose row is locked and paid. False: nobody does, or has for
    so long that somebody else must have looked after it.
    """
    opened = False
    for wait in await decisions.leave(tx, [charge["id"]]):
        policy = await policy_of(tx, wait["car_park"])
        if tx.now - wait["since"] > timedelta(seconds=policy.barrier_wait_s):
            continue
        wanted = WantedOrder(
            car_park=CarParkId(wait["car_park"]),
            kind=OrderKind.OPEN_BARRIER,
            cause=f"{OrderKind.OPEN_BARRIER}:{PAID}:{charge['id']}",
            reason=PAID,
            actor=ACTOR,
            lane=LaneLabel(wait["lane"]),
        )
        await give_what_can_be_obeyed(tx, give_order, wanted)
        opened = True
    return opened
