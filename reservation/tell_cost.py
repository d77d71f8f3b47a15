"""A promise is over: whether anything is owed for it, and who is told so."""

from contracts.promises import PROMISE_OVER
from kernel.db import Tx
from kernel.jobs import enqueue
from reservation.lifecycle import Promise, State


def cost(promise: Promise, price: int) -> int:
    """Fen that are owed now: the price with the fee of overstaying for a stay, the fee alone for one that was not taken
    up. Nothing while it may still be. Pure.
    """
    if promise.is_active:
        return 0
    return promise.fee + (price if promise.state is State.COMPLETED else 0)


async def tell_cost(tx: Tx, reservation: str, promise: Promise, *, price: int) -> None:
    """Whoever asks for it does so once this is committed."""
    if cost(promise, price) > 0:
        await enqueue(tx, PROMISE_OVER, reservation.encode())
