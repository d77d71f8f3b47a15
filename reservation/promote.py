"""What came free is offered to whoever waits for it, in the order of coming.

An offer is a hold that expires: confirmed, the wait is taken; otherwise it has lapsed and the next one is offered. It
is made in the transaction that freed the space, so nobody who comes later is faster. Whoever cannot be offered
anything now (the vehicle has another promise, the window does not fit) is passed over and keeps the place in the line.
Of a window that has begun the rest is offered, from the next minute on.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
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
from reservation.time_meters import TimeMeters
from reservation.try_hold import Refused, try_hold

OFFERS_MAX: Final = 20
"""In one transaction, as each takes a hold's time and keeps the days of its pool locked; the next turn goes on."""
LOOKED_AT: Final = 8
"""At once, where more than one promise ended: looking again behind each would cost more than a try that is refused."""
SETTLED_MAX: Final = 1_000
LINE_S: Final = 5.0
"""Between two looks at everybody who waits: what ends is handed over at once, this finds the rest."""

log = structlog.get_logger(__name__)


async def offer_freed(
    tx: Tx, car_parks: Collection[CarParkId], during: tuple[datetime, datetime] | None = None
) -> None:
    """After promises at `car_parks` have ended: the same transaction hands over what they took; one: of `during`."""
    where = sorted(car_parks)
    if where and await sql.is_anybody_in_line(tx, where):
        await settle_waits(tx, where)
        await promote(tx, where, during=during)


async def promote(tx: Tx, car_parks: Sequence[CarParkId], *, during: tuple[datetime, datetime] | None = None) -> int:
    """Offer what is free at `car_parks`; how many offers were made."""
    after, offers = 0, 0
    limit = LOOKED_AT if during is None else 1
    while offers < OFFERS_MAX:
        # Whoever was passed over before still cannot be offered anything: since then only more was taken.
        line = await sql.next_that_fit(tx, car_parks, during=during, after=after, limit=limit)
        for waiting in line:
            offers += await _offer(tx, waiting)
        if len(line) < limit:
            break
        after = line[-1]["number"]
    return offers


async def settle_waits(tx: Tx, car_parks: Sequence[CarParkId] | None = None) -> int:
    """End what is over: offers that were confirmed or are gone, and windows that have passed."""
    return await sql.settle(tx, car_parks, SETTLED_MAX)


async def promote_all(database: Database, meters: TimeMeters) -> None:
    """Wherever something has come free by other ways than a promise's end: more may be reserved, a space is lent."""
    async with database.transaction() as tx:
        await settle_waits(tx)
    async with database.transaction(readonly=True) as tx:
        car_parks = await sql.car_parks_with_room(tx)
    for car_park in car_parks:
        async with database.transaction() as tx:
            offers = await promote(tx, [car_park])
        meters.offered(offers)
    async with database.transaction(readonly=True) as tx:
        line = await sql.in_line(tx)
    meters.in_line(line["waiting"], line["offered"])


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
