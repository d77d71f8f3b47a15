"""A vehicle leaves: its stay is over, early or late. Nobody is asked; what overstaying costs, the terms say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.lifecycle import State, cancelled, completed
from reservation.promote import offer_freed
from reservation.sql import arrivals, locks
from reservation.sql import reservations as sql
from reservation.steps import seen_now, stepped, write

_WAITING: Final = frozenset({State.HELD, State.CONFIRMED})


async def leave(tx: Tx, passage: PassageSeen, promises: Sequence[Row]) -> list[Row]:
    """What became of the `promises` of the vehicle, which are locked. An exit of somebody whose entry nobody saw moves
    nothing: perhaps he comes back for what he was promised.
    """
    moved = []
    for row in promises:
        state = State(row["state"])
        if state is State.CHECKED_IN and passage.at > row["checked_in_at"]:
            moved.append(await complete(tx, row, left_at=passage.at, by=passage.id))
        elif state in _WAITING and row["inside_since"] is not None and passage.at > row["inside_since"]:
            moved.append(await _leave_unchecked(tx, row, passage))
    return moved


async def complete(
    tx: Tx, row: Row, *, left_at: datetime, by: str, free: bool = False, cause: str | None = None
) -> Row:
    """End the stay; `free`: nobody saw when he left, so that overstaying cannot be charged."""
    promise, terms = sql.promise_of(row), sql.terms_of(row)
    fee = 0 if free else terms.overstay_fee(promise.until, left_at)
    after = stepped(row, completed, promise, left_at, fee=fee)
    moved = await write(tx, row, after, "completed", by=by, fee=fee, cause=cause or "left")
    await locks.want_raised(tx, row["id"])
    if left_at < promise.until:
        await offer_freed(tx, [CarParkId(row["car_park"])], (left_at, promise.until))
    return moved


async def _leave_unchecked(tx: Tx, row: Row, passage: PassageSeen) -> Row:
    """He was inside before his time: a promise is kept for him, a hold that he did not confirm is not."""
    promise = seen_now(tx, row)
    if promise.state is State.HELD:
        moved = await write(tx, row, stepped(row, cancelled, promise, tx.now, fee=0), "cancelled", cause="left")
        await offer_freed(tx, [CarParkId(row["car_park"])], (row["begins"], row["until"]))
        return moved
    return await arrivals.set_inside(tx, row, None, "left_again", {"by": passage.id})
