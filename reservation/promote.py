"""What came free is offered to whoever waits for it, in the order of coming.

An offer is a hold that expires: confirmed, the wait is taken; otherwise it has lapsed and the next one is offered. It
is made in the transaction that freed the space, so nobody who comes later is faster. Whoever cannot be offered
anything now (the vehicle has another promise, the window does not fit) is passed over and keeps the place in the line.
Of a window that has begun the rest is offered, from the next minute on.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import structlog

from contracts.ids import CarParkId
from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.problems import Problem
from reservation.errors import WindowRefused
from reservation.minutes import ceil
from reservation.place import PlaceIn, find_place
from reservation.sql import waits as sql
from reservation.stay import Stay
from reservation.try_hold import Refused, try_hold

OFFERS_MAX: Final = 50
"""In one transaction, as each takes a hold's time; the sweep goes on."""
SETTLED_MAX: Final = 1_000

log = structlog.get_logger(__name__)


async def promote(tx: Tx, car_parks: Collection[CarParkId]) -> int:
    """Offer what is free at `car_parks`; how many offers were made."""
    where = sorted(car_parks)
    after, offers = 0, 0
    while where and offers < OFFERS_MAX:
        # Whoever was passed over before still cannot be offered anything: since then only more was taken.
        waiting = await sql.next_that_fits(tx, where, after=after)
        if waiting is None:
            break
        after = waiting["number"]
        offers += await _offer(tx, waiting)
    return offers


async def settle_waits(tx: Tx, car_parks: Collection[CarParkId] | None = None) -> int:
    """End what is over: offers that were confirmed or are gone, and windows that have passed."""
    return await sql.settle(tx, None if car_parks is None else sorted(car_parks), SETTLED_MAX)


async def offer_freed(tx: Tx, car_park: CarParkId) -> None:
    """After a promise at `car_park` has ended before its time: the same transaction hands over what it took."""
    await settle_waits(tx, [car_park])
    await promote(tx, [car_park])


async def promote_all(database: Database) -> int:
    """Wherever something has come free by other ways than a promise's end: more may be reserved, a space is lent."""
    async with database.transaction() as tx:
        await settle_waits(tx)
    async with database.transaction(readonly=True) as tx:
        car_parks = await sql.car_parks_with_room(tx)
    offers = 0
    for car_park in car_parks:
        async with database.transaction() as tx:
            offers += await promote(tx, [car_park])
    return offers


async def _offer(tx: Tx, waiting: Row) -> bool:
    """Whether a hold could be made."""
    vehicle = Vehicle.model_construct(plate=waiting["plate"], color=waiting["color"])
    stay = Stay(vehicle, max(waiting["begins"], ceil(tx.now)), waiting["until"])
    wanted = PlaceIn.model_construct(car_park=waiting["car_park"], space=waiting["space_label"])
    try:
        async with tx.savepoint():
            place = await find_place(tx, wanted)
            hold_for = timedelta(seconds=place.policy.offer_s)
            held = await try_hold(tx, waiting["driver"], place, stay, hold_for=hold_for, cause="waitlist")
            if isinstance(held, Refused):
                raise held.problem
    except WindowRefused:  # it is too late, or no longer promised: waiting on would be in vain
        await sql.end(tx, waiting["id"], "lapsed")
        return False
    except Problem as problem:
        log.info("an offer could not be made", wait=waiting["id"], reason=problem.slug)
        return False
    await sql.offered(tx, waiting["id"], held["id"])
    return True
