"""The one guarded step through which a promise takes capacity, takes more, or gives back what is left of it.

Of a pool it moves the counters of its minutes, of a numbered space of the pool too; a lent space has its own guard
only. The order of locks is always the reservation first, then the days of its pool from the first on.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.errors import NoSpaceLeft, VehiclePromised
from reservation.minutes import DayPart, ceil, day_parts, floor
from reservation.sql import pools

GUARDED = {
    "pool_day_never_over": NoSpaceLeft,
    "reservation_space_once": NoSpaceLeft,
    "reservation_vehicle_once": VehiclePromised,
}


class NoLongerSo(Exception):
    """The place was remembered, and is no longer as it was."""


@contextmanager
def guarded(tx: Tx, car_park: CarParkId) -> Iterator[None]:
    """What the database refuses is told: NoSpaceLeft, VehiclePromised."""
    with tx.guard(GUARDED, car_park=car_park):
        yield


def full(car_park: CarParkId, reservable: int) -> NoSpaceLeft:
    """Why the pool has no room."""
    return NoSpaceLeft(
        f"all {reservable} reservable spaces of {car_park} are promised at some moment of this time: ask for other"
        " offers, another time, or join the waiting list",
        car_park=car_park,
    )


async def take(tx: Tx, car_park: CarParkId, begins: datetime, until: datetime, *, reservable: int) -> None:
    """Of the pool, every minute that `[begins, until)` touches. Raises NoSpaceLeft; then nothing may be committed."""
    if not await pools.take(tx, car_park, day_parts(begins, until), reservable=reservable):
        raise full(car_park, reservable)


async def take_more(tx: Tx, row: Row, begins: datetime, until: datetime, *, reservable: int) -> None:
    """What `[begins, until)` adds to the minutes that the reservation in `row` takes; of those that are over, a guest
    who overstayed took none. Raises NoSpaceLeft.
    """
    if row["listing"] is not None:
        return
    car_park = CarParkId(row["car_park"])
    if begins < row["occupies_from"]:
        await take(tx, car_park, begins, floor(row["occupies_from"]), reservable=reservable)
    if until > row["occupies_until"]:
        await take(tx, car_park, max(ceil(row["occupies_until"]), floor(tx.now)), until, reservable=reservable)


async def give_back(tx: Tx, row: Row, ended_at: datetime) -> None:
    """Whole minutes from `ended_at` on that the reservation in `row`, as it was before it ended, still took."""
    await pools.give_back(tx, CarParkId(row["car_park"]), _left(row, ended_at))


async def give_back_all(tx: Tx, rows: Iterable[Row], ended_at: datetime) -> None:
    """The same of many reservations that ended at once."""
    await pools.give_back_all(tx, [(CarParkId(row["car_park"]), _left(row, ended_at)) for row in rows])


def _left(row: Row, ended_at: datetime) -> list[DayPart]:
    """Nothing of a lent space: it takes nothing of the pool."""
    if row["listing"] is not None:
        return []
    return day_parts(max(floor(row["occupies_from"]), ceil(ended_at)), row["occupies_until"])
