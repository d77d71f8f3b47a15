"""Wait for a space that is promised to others: at the end of the line. Whether it is, a hold is tried to find out."""

from kernel.db import Row, Tx
from kernel.ids import new_id
from reservation.errors import AlreadyWaiting, StillFree, TooManyWaits, VehiclePromised
from reservation.hold import try_in_time
from reservation.promote import settle_waits
from reservation.sql import waits as sql
from reservation.stay import Place, Stay
from reservation.try_hold import Refused, undo

WAITS_MAX = 20
"""Of one driver at a time: a week of commuting there and back, and some more."""


async def join_waiting(tx: Tx, driver: str, place: Place, stay: Stay) -> Row:
    """The new place in the line. Raises StillFree, AlreadyWaiting, TooManyWaits, VehiclePromised, NotShared,
    WindowRefused.
    """
    tried = await try_in_time(tx, driver, place, stay)
    if not isinstance(tried, Refused):
        raise StillFree(car_park=place.car_park)  # and nothing of it is committed
    await undo(tx, place, tried)
    if isinstance(tried.problem, VehiclePromised):
        raise tried.problem
    if await sql.count_of_driver(tx, driver) >= WAITS_MAX:
        raise TooManyWaits(f"{WAITS_MAX} are the most at a time: leave another line first", limit=WAITS_MAX)
    await settle_waits(tx, [place.car_park])
    wait = new_id("wai", tx.now)
    with tx.guard({"wait_once": AlreadyWaiting}, car_park=place.car_park):
        await sql.insert(tx, wait, driver=driver, place=place, stay=stay)
    row = await sql.read(tx, wait, driver=driver)
    assert row is not None, "it was just written"  # noqa: S101
    return row
