"""What reservation tells the devices of a lane about a vehicle that stands before it."""

from typing import Final

from contracts.facts import PassageSeen
from contracts.lane_orders import tell_lane
from contracts.orders import GiveOrder, OrderKind
from kernel.db import Tx

ACTOR: Final = "reservation"


async def open_barrier(tx: Tx, give_order: GiveOrder, passage: PassageSeen, *, reason: str) -> None:
    await tell_lane(tx, give_order, passage, OrderKind.OPEN_BARRIER, actor=ACTOR, reason=reason)


async def refuse_entry(tx: Tx, give_order: GiveOrder, passage: PassageSeen, *, reason: str) -> None:
    await tell_lane(tx, give_order, passage, OrderKind.REFUSE_ENTRY, actor=ACTOR, reason=reason)


async def show(tx: Tx, give_order: GiveOrder, passage: PassageSeen, text: str, *, reason: str) -> None:
    """Cut to what a lane's display holds."""
    await tell_lane(tx, give_order, passage, OrderKind.SHOW_TEXT, actor=ACTOR, reason=reason, text=text)
