"""Extend a promise: only what is added needs room, and only that is paid on top."""

from datetime import datetime, timedelta

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.claim import guarded, take_more
from reservation.errors import NoSpaceLeft, NotShared, WindowRefused
from reservation.lifecycle import extended
from reservation.place import POOL_MAX
from reservation.policy import cost
from reservation.sql import places
from reservation.sql import reservations as sql
from reservation.steps import current, stepped, write


async def extend_promise(tx: Tx, reservation: str, until: datetime, *, driver: str | None) -> Row:
    """The row with its later end. Raises UnknownReservation, WrongState, NoSpaceLeft, NotShared, WindowRefused."""
    row, promise = await current(tx, reservation, driver=driver)
    terms = sql.terms_of(row)
    if until <= promise.until:
        raise WindowRefused("until must be later than it ends already", until=promise.until.isoformat())
    if until - promise.begins > timedelta(seconds=terms.stay_s_max):
        raise WindowRefused(f"the longest stay is {timedelta(seconds=terms.stay_s_max)}", stay_s_max=terms.stay_s_max)
    after = stepped(row, extended, promise, until)
    car_park = CarParkId(row["car_park"])
    added = cost(terms.price_per_hour, until - max(promise.until, promise.begins))
    if row["listing"] is not None and await places.slot_around(tx, row["space"], promise.begins, until) is None:
        raise NotShared(f"{row['space_label']} is not lent until then", car_park=car_park, space=row["space_label"])
    known = await places.car_park(tx, car_park)
    if known is None:
        raise NoSpaceLeft(f"{car_park} is gone", car_park=car_park)
    with guarded(tx, car_park):
        moved = await write(tx, row, after, "extended", price=row["price"] + added, added=added)
        await take_more(tx, row, promise.occupies_from, until, reservable=min(known["reservable"], POOL_MAX))
    return moved
