"""A hold: the space is promised from this moment, to be confirmed until `hold_expires_at`."""

from datetime import timedelta

from kernel.db import Row, Tx
from kernel.ids import new_id
from reservation.claim import NoLongerSo, full
from reservation.errors import NoSpaceLeft, VehiclePromised, WindowRefused
from reservation.lifecycle import Promise
from reservation.minutes import day_parts
from reservation.place import terms_for
from reservation.policy import Terms
from reservation.sql import holds, pools
from reservation.stay import Place, Quoted, Stay


async def hold_space(
    tx: Tx,
    driver: str,
    place: Place,
    stay: Stay,
    *,
    quoted: Quoted | None = None,
    hold_for: timedelta | None = None,
    cause: str = "driver",
) -> Row:
    """The new reservation's row. Raises NoSpaceLeft, VehiclePromised, NotShared, WindowRefused; and NoLongerSo when the
    `place` was remembered and has changed since: find it again, nothing has happened.
    """
    terms, listing = await terms_for(tx, place, stay.begins, stay.until)
    price = terms.price(stay.begins, stay.until)
    if quoted is not None:
        terms, price = quoted.terms, quoted.price
    promise = _held(tx, stay, terms, hold_for)
    parts = day_parts(stay.begins, stay.until) if listing is None else []
    row = await holds.insert(
        tx,
        new_id("rsv", tx.now),
        driver=driver,
        place=place,
        listing=listing,
        vehicle=stay.vehicle,
        promise=promise,
        terms=terms,
        price=price,
        detail={"cause": cause},
        parts=parts,
    )
    if not row["place_known"]:
        raise NoLongerSo
    if row["id"] is None:
        if await holds.is_vehicle_in_the_way(tx, place.space, stay.vehicle, promise):
            raise VehiclePromised(car_park=place.car_park)
        raise NoSpaceLeft(f"{place.label} is promised to somebody else at this time", car_park=place.car_park)
    if not await pools.take_rest(tx, place.car_park, parts, row, reservable=place.reservable):
        raise full(place.car_park, place.reservable)
    return row


def _held(tx: Tx, stay: Stay, terms: Terms, hold_for: timedelta | None) -> Promise:
    """A hold never outlasts the latest arrival: confirmed after that it would be a no-show at once."""
    latest = terms.latest(stay.begins, stay.until)
    if latest <= tx.now:
        raise WindowRefused("nobody could arrive in time: it has begun already")
    return Promise(
        begins=stay.begins,
        until=stay.until,
        occupies_from=stay.begins,
        occupies_until=stay.until,
        hold_expires_at=min(tx.now + (hold_for or timedelta(seconds=terms.hold_s)), latest),
        latest=latest,
    )
