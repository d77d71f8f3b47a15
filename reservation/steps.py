"""What every step begins and ends with: the row locked and its deadlines looked at, the move written once."""

from collections.abc import Callable
from typing import Any

from kernel.db import Row, Tx
from reservation.claim import give_back
from reservation.errors import UnknownReservation, WrongState
from reservation.lifecycle import Promise, State, seen_at
from reservation.sql import reservations as sql
from reservation.tell_cost import tell_cost


async def current(tx: Tx, reservation: str, *, driver: str | None) -> tuple[Row, Promise]:
    """The row, locked, and its promise as it is now, past deadlines included. Raises UnknownReservation."""
    row = await sql.lock(tx, reservation, driver=driver)
    if row is None:
        raise UnknownReservation(reservation=reservation)
    return row, seen_now(tx, row)


def seen_now(tx: Tx, row: Row) -> Promise:
    """The promise in `row` as it is now."""
    return seen_at(sql.promise_of(row), tx.now, no_show_fee=sql.terms_of(row).no_show_fee(row["price"]))


def stepped(row: Row, step: Callable[..., Promise], promise: Promise, *args: Any, **named: Any) -> Promise:
    """`step` of the promise. Raises WrongState, where it cannot follow."""
    try:
        return step(promise, *args, **named)
    except ValueError as refused:
        raise WrongState(
            f"{row['id']} is {promise.state}: {_ADVICE[promise.state]}", reservation=row["id"], state=promise.state
        ) from refused


async def write(
    tx: Tx, row: Row, after: Promise, kind: str, *, price: int | None = None, passage: str | None = None, **detail: Any
) -> Row:
    """The row after the move; what an ended promise still took is given back. Raises WrongState when overtaken."""
    moved = await sql.move(tx, row, after, kind, price=price, passage=passage, detail=detail)
    if moved is None:
        raise WrongState(f"{row['id']} was changed at the same moment: read it and try again", reservation=row["id"])
    if not after.is_active:
        await give_back(tx, row, tx.now)
        await tell_cost(tx, row["id"], after, price=moved["price"])
    return moved


_ADVICE = {
    State.HELD: "confirm it first",
    State.CONFIRMED: "it waits for its vehicle, and can be extended or cancelled",
    State.CHECKED_IN: "the vehicle is inside",
    State.COMPLETED: "the stay is over",
    State.EXPIRED: "it was not confirmed in time; hold a space anew",
    State.CANCELLED: "hold a space anew",
    State.NO_SHOW: "nobody came in time; hold a space anew",
}
