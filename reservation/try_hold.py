"""Try to promise a space, and say why not: what was refused leaves nothing behind once it is undone.

Below `hold`, which a driver asks for, and `promote`, which offers to whoever waits.
"""

from datetime import timedelta

from msgspec import Struct

from kernel.db import Row, Tx
from kernel.ids import new_id
from kernel.problems import Problem
from reservation.claim import NoLongerSo, full
from reservation.errors import NoSpaceLeft, VehiclePromised, WindowRefused
from reservation.lifecycle import Promise
from reservation.minutes import DayPart, day_parts
from reservation.place import terms_for
from reservation.policy import Terms
from reservation.sql import holds, pools
from reservation.stay import Place, Quoted, Stay


class Refused(Struct, frozen=True):
    """Why nothing was promised; `made` and `taken` are what must be undone before anything is committed."""

    problem: Problem
    made: str | None = None
    taken: tuple[DayPart, ...] = ()


async def try_hold(
    tx: Tx,
    driver: str,
    place: Place,
    stay: Stay,
    *,
    quoted: Quoted | None = None,
    hold_for: timedelta | None = None,
    cause: str = "driver",
) -> Row | Refused:
    """The new reservation's row, or what stands in the way: `undo` it, or let its problem leave the edge.

    Raises NotShared, WindowRefused; and NoLongerSo when the `place` was remembered and has changed since.
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
            return Refused(VehiclePromised(car_park=place.car_park))
        problem = NoSpaceLeft(f"{place.label} is promised to somebody else at this time", car_park=place.car_park)
        return Refused(problem)
    if set(row["locked_days"]) != set(row["taken_days"]):
        taken = tuple(part for part in parts if part.day in row["taken_days"])
        return Refused(full(place.car_park, place.reservable), row["id"], taken)
    if not await pools.take_rest(tx, place.car_park, parts, row, reservable=place.reservable):
        raise full(place.car_park, place.reservable)  # a day that others began and filled at this moment
    return row


async def undo(tx: Tx, place: Place, refused: Refused) -> None:
    """As if it had not been tried."""
    if refused.made is not None:
        await holds.unmake(tx, refused.made)
        await pools.give_back(tx, place.car_park, refused.taken)


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
