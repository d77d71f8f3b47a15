"""Locks of equipped spaces: down while the guest is inside, up again once the sensor says that nothing is above.

The row says what is wanted; orders follow it until one is obeyed, a few times, each after the one before has expired.
"""

from typing import Final

from contracts.ids import CarParkId, SpaceLabel
from contracts.lane_orders import give_what_can_be_obeyed
from contracts.orders import GiveOrder, OrderClosed, OrderKind, OrderState, WantedOrder
from kernel.db import Row, Tx
from reservation.lane_orders import ACTOR
from reservation.sql import locks as sql

_KINDS: Final = {"lowered": OrderKind.LOWER_LOCK, "raised": OrderKind.RAISE_LOCK}
_CAUSE: Final = "lock"
AT_ONCE: Final = 200


async def lower_lock(tx: Tx, give_order: GiveOrder, row: Row) -> None:
    """For the guest of the promise in `row`, if its space has a lock; at once."""
    lock = None if row["space"] is None else await sql.want_lowered(tx, row)
    if lock is not None:
        await _order(tx, give_order, lock)


async def move_locks(tx: Tx, give_order: GiveOrder) -> None:
    """Give the orders that are due: after a guest has left, and again where nobody obeyed."""
    for lock in await sql.due(tx, limit=AT_ONCE):
        await _order(tx, give_order, lock)


async def hear_of_locks(tx: Tx, closed: OrderClosed) -> None:
    """`contracts.orders.OrderHandler`: the lock moved, or did not."""
    word, *said = closed.cause.split(":")
    if word != _CAUSE or len(said) != 3 or closed.kind not in _KINDS.values():
        return
    reservation, wanted, _attempt = said
    if closed.state is OrderState.DONE:
        await sql.obeyed(tx, reservation, raised=wanted == "raised")
    elif closed.state in (OrderState.FAILED, OrderState.EXPIRED):
        await sql.not_obeyed(tx, reservation, wanted, closed.error)


async def _order(tx: Tx, give_order: GiveOrder, lock: Row) -> None:
    attempt = lock["attempt"] + 1
    wanted = WantedOrder(
        car_park=CarParkId(lock["car_park"]),
        kind=_KINDS[lock["wanted"]],
        cause=f"{_CAUSE}:{lock['reservation']}:{lock['wanted']}:{attempt}",
        reason="guest_inside" if lock["wanted"] == "lowered" else "guest_left",
        actor=ACTOR,
        space=SpaceLabel(lock["space_label"]),
    )
    await give_what_can_be_obeyed(tx, give_order, wanted)
    await sql.given(tx, lock["space"], lock["attempt"])
