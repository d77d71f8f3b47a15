"""A shop, or whoever has an operator's key, issues a coupon: by a code on a slip of paper, or for a number plate."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from billing.concession_place import check_concession, operator_of
from billing.coupon_codes import new_code
from billing.errors import CodeTaken
from billing.sql import coupons as sql
from contracts.audit import RecordAudit
from contracts.vehicles import Vehicle
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.ids import new_id

KINDS: Final = frozenset({"coupon", "validation"})


class NewCoupon(Struct, frozen=True, kw_only=True):
    """Without a code and a vehicle a code is made. `minutes` and `amount` (fen) are at most the tariff's."""

    car_parks: Sequence[str]
    concession: str
    issuer: str
    code: str | None
    vehicle: Vehicle | None
    minutes: int | None
    amount: int | None
    uses_max: int
    valid_from: datetime
    valid_until: datetime


async def issue_coupon(tx: Tx, caller: Caller, wanted: NewCoupon, record_audit: RecordAudit) -> Row:
    """Raises UnknownCarPark, MalformedBody, NoSuchConcession, CodeTaken."""
    operator = await operator_of(tx, caller, wanted.car_parks)
    await check_concession(tx, wanted.car_parks, wanted.concession, KINDS)
    vehicle = wanted.vehicle
    code = None if vehicle is not None else wanted.code or new_code()
    coupon = new_id("cpn", tx.now)
    with tx.guard({"coupon_code_once": CodeTaken}, code=code):
        row = await sql.insert(
            tx,
            coupon,
            operator=operator,
            car_parks=wanted.car_parks,
            concession=wanted.concession,
            issuer=wanted.issuer,
            shown_by=(code, None, None) if vehicle is None else (None, vehicle.plate, vehicle.color),
            less=(wanted.minutes, wanted.amount),
            uses_max=wanted.uses_max,
            valid=(wanted.valid_from, wanted.valid_until),
            actor=caller.principal,
        )
    await record_audit(
        tx,
        actor=caller.principal,
        operator=operator,
        action="coupon.issue",
        subject=f"coupon/{coupon}",
        detail={"car_parks": list(wanted.car_parks), "concession": wanted.concession, "issuer": wanted.issuer},
    )
    return row
