"""A driver puts a coupon on his stay: from then on it is used for that one, and shown when the stay is rated."""

from billing.coupon_codes import good_coupon
from billing.errors import CouponNotGood, NoSuchConcession, NoTariff, UnknownSession, WrongState
from billing.sql import coupons as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Concession
from kernel.db import Row, Tx


async def present_coupon(tx: Tx, shelf: TariffShelf, session: str, code: str, *, driver: str) -> tuple[Row, Concession]:
    """The coupon, and what the stay's tariff takes off for it.

    Raises UnknownSession, WrongState, NoTariff, CouponNotGood, NoSuchConcession.
    """
    stay = await sql.own_session(tx, session, driver)
    if stay is None:
        raise UnknownSession(session=session)
    if stay["state"] != "open":
        raise WrongState(f"{session} is {stay['state']}: a coupon is put on a stay before it ends", state=stay["state"])
    if stay["tariff"] is None:
        raise NoTariff(car_park=stay["car_park"])
    found = await sql.by_code(tx, stay["car_park"], code)
    if found is None:
        raise CouponNotGood(code=code, car_park=stay["car_park"])
    await sql.lock(tx, found["id"])
    if not await sql.is_on(tx, found["id"], session):
        found = await good_coupon(tx, stay["car_park"], code)
    named = {one.id: one for one in (await shelf.version(tx, stay["tariff"])).concessions}
    if found["concession"] not in named:
        raise NoSuchConcession(car_park=stay["car_park"], concessions=sorted(named))
    await sql.put_on(tx, found["id"], session, f"driver:{driver}")
    return found, named[found["concession"]]
