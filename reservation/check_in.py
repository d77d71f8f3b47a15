"""The guest is there: by a passage, by the pass, or because he waited inside. The one way into `checked_in`."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace as but

from contracts.ids import CarParkId
from contracts.orders import GiveOrder
from kernel.db import Row, Tx
from reservation.claim import guarded, take_more
from reservation.errors import NoSpaceLeft, VehiclePromised
from reservation.lifecycle import Promise, State, checked_in, seen_at
from reservation.place import POOL_MAX
from reservation.space_locks import lower_lock
from reservation.sql import places
from reservation.sql import reservations as sql
from reservation.steps import stepped, write
from reservation.substitute import Hindrance, hindrance_of, let_off, substitute_space


class NotYet(StrEnum):
    """Why a guest who is there is not checked in."""

    NOT_CONFIRMED = "not_confirmed"
    """It is a hold: he has not said yes to its terms, and nobody says it for him."""
    TOO_EARLY = "too_early"
    NO_ROOM = "no_room"
    """Before his time, and his space or the pool is promised to others until then."""
    SPACE_TAKEN = "space_taken"
    """And no equal one is free: the promise has ended, free of charge."""


class CheckedIn(Struct, frozen=True):
    """The promise after it; `why` he is not checked in, None: he is."""

    row: Row
    why: NotYet | None = None


async def check_in(tx: Tx, give_order: GiveOrder, row: Row, *, arrived_at: datetime, passage: str) -> CheckedIn:
    """Check the guest of the locked promise in `row` in. He came in time if `arrived_at` was, whenever that is told.
    Raises WrongState for a promise that is over, or whose guest is inside.
    """
    promise = seen_at(sql.promise_of(row), arrived_at)
    if promise.state is State.HELD:
        return CheckedIn(row, NotYet.NOT_CONFIRMED)
    stepped(row, checked_in, promise, tx.now)
    if tx.now < row["earliest"]:
        return CheckedIn(row, NotYet.TOO_EARLY)
    early = tx.now < promise.begins
    hindrance = None if row["space"] is None else await hindrance_of(tx, row, arrived_at)
    if hindrance is Hindrance.GUEST:
        return CheckedIn(row, NotYet.NO_ROOM)
    if hindrance is not None:
        moved = await substitute_space(tx, row, hindrance)
        if moved is None:
            return (
                CheckedIn(row, NotYet.NO_ROOM)
                if early
                else CheckedIn(await let_off(tx, row, promise), NotYet.SPACE_TAKEN)
            )
        row = moved
    try:
        async with tx.savepoint():
            inside = await _move(tx, row, promise, arrived_at, passage, early=early)
    except (NoSpaceLeft, VehiclePromised):
        return CheckedIn(row, NotYet.NO_ROOM)
    await lower_lock(tx, give_order, inside)
    return CheckedIn(inside)


async def _move(tx: Tx, row: Row, promise: Promise, arrived_at: datetime, passage: str, *, early: bool) -> Row:
    """Whoever is early takes his space, or one of the pool, from now on. Raises NoSpaceLeft, VehiclePromised."""
    after = but(stepped(row, checked_in, promise, tx.now), checked_in_at=arrived_at)
    car_park = CarParkId(row["car_park"])
    with guarded(tx, car_park):
        moved = await write(tx, row, after, "checked_in", passage=passage, space=row["space_label"], early=early)
        if early:
            await _take_before(tx, row, promise)
    return moved


async def _take_before(tx: Tx, row: Row, promise: Promise) -> None:
    car_park = CarParkId(row["car_park"])
    if row["listing"] is not None:
        slot = await places.slot_around(tx, row["space"], tx.now, promise.begins)
        if slot is None or slot["id"] != row["listing"]:
            raise NoSpaceLeft(f"{row['space_label']} is not lent before then", car_park=car_park)
        return
    known = await places.car_park(tx, car_park)
    reservable = 0 if known is None else min(known["reservable"], POOL_MAX)
    await take_more(tx, row, tx.now, promise.occupies_until, reservable=reservable)
