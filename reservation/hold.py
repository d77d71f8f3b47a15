"""A hold: the space is promised from this moment, to be confirmed until `hold_expires_at`."""

from datetime import timedelta

from kernel.db import Row, Tx
from kernel.ids import new_id
from reservation.claim import guarded, take
from reservation.lifecycle import Promise
from reservation.place import terms_for
from reservation.sql import reservations as sql
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
    """The new reservation's row. Raises NoSpaceLeft, VehiclePromised, NotShared, WindowRefused."""
    terms, listing = await terms_for(tx, place, stay.begins, stay.until)
    price = terms.price(stay.begins, stay.until)
    if quoted is not None:
        terms, price = quoted.terms, quoted.price
    promise = Promise(
        begins=stay.begins,
        until=stay.until,
        occupies_from=stay.begins,
        occupies_until=stay.until,
        hold_expires_at=tx.now + (hold_for or timedelta(seconds=terms.hold_s)),
        latest=terms.latest(stay.begins, stay.until),
    )
    with guarded(tx, place.car_park):
        row = await sql.insert(
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
        )
        if listing is None:
            await take(tx, place.car_park, stay.begins, stay.until, reservable=place.reservable)
    return row
