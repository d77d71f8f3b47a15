"""Extend a promise: only what is added needs room, and only that is paid on top."""

from datetime import datetime, timedelta

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.claim import guarded, take_more
from reservation.errors import NotReservable, NotShared, WindowRefused
from reservation.lapse import lapse_in_the_way
from reservation.lifecycle import State, extended
from reservation.place import POOL_MAX
from reservation.policy import CHARGE_MAX
from reservation.promote import offer_freed
from reservation.sql import places
from reservation.sql import reservations as sql
from reservation.stay import Stay
from reservation.steps import current, stepped, write


async def extend_promise(tx: Tx, reservation: str, until: datetime, *, driver: str | None) -> Row:
    """The row with its later end. Raises UnknownReservation, WrongState, NoSpaceLeft, VehiclePromised, NotShared,
    NotReservable, WindowRefused.
    """
    row, promise = await current(tx, reservation, driver=driver)
    terms = sql.terms_of(row)
    if promise.is_active and until <= promise.until:
        raise WindowRefused("until must be later than it ends already", until=promise.until.isoformat())
    after = stepped(row, extended, promise, until, latest=terms.latest(promise.begins, until))
    if until <= tx.now:
        raise WindowRefused("until must not be in the past")
    if until - promise.begins > timedelta(seconds=terms.stay_s_max):
        raise WindowRefused(f"the longest stay is {timedelta(seconds=terms.stay_s_max)}", stay_s_max=terms.stay_s_max)
    car_park = CarParkId(row["car_park"])
    await _check_lent(tx, row, max(promise.until, tx.now), until)
    known = await places.car_park(tx, car_park)
    if known is None or (known["closed"] and promise.state is not State.CHECKED_IN):
        raise NotReservable(f"{car_park} is closed", car_park=car_park)
    added = min(terms.extension_price(promise.until, until, tx.now), CHARGE_MAX - row["price"])
    ran_out = await lapse_in_the_way(tx, car_park, row["space"], Stay(sql.vehicle_of(row), promise.until, until))
    freed = await ran_out.end(tx) if ran_out is not None else set()
    with guarded(tx, car_park):
        moved = await write(tx, row, after, "extended", price=row["price"] + added, added=added)
        await take_more(tx, row, promise.occupies_from, until, reservable=min(known["reservable"], POOL_MAX))
    await offer_freed(tx, freed)
    return moved


async def _check_lent(tx: Tx, row: Row, begins: datetime, until: datetime) -> None:
    """What is added to a stay on a shared space must be lent, by whoever lent the rest. Raises NotShared."""
    if row["listing"] is None:
        return
    slot = await places.slot_around(tx, row["space"], begins, until)
    if slot is None or slot["id"] != row["listing"]:
        label = row["space_label"]
        raise NotShared(f"{label} is not lent until then", car_park=row["car_park"], space=label)
