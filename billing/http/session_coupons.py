"""`/v1/sessions/{session}/coupons`: a driver puts a coupon on his stay."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.coupon_codes import Code
from billing.errors import CouponNotGood, NoSuchConcession, NoTariff, UnknownCoupon, UnknownSession, WrongState
from billing.http.coupons import PathCoupon
from billing.present_coupon import present_coupon
from billing.sql import coupons as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Concession
from kernel.db import Database, Row, Tx
from kernel.http import Caller, NoContent, operation

READ: Final = frozenset({"read"})
RESERVE: Final = frozenset({"reserve"})
PathSession = Annotated[str, StringConstraints(pattern=r"^ses_[0-9a-f]{32}$")]


class PresentIn(BaseModel):
    """The code on the coupon."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code


class PresentedView(BaseModel):
    """A coupon on a stay, and what the tariff calls it. What it takes off is told with the fee."""

    model_config = ConfigDict(frozen=True)

    session: str
    coupon: str
    concession: str
    name: dict[str, str]
    issuer: str
    needed: bool = Field(description="False: the stay cost no less for it, and it is there for another one.")

    @classmethod
    def of(cls, session: str, coupon: Row, named: Concession, *, needed: bool) -> Self:
        return cls(
            session=session,
            coupon=coupon["id"],
            concession=named.id,
            name={"zh": named.name.zh, "en": named.name.en},
            issuer=coupon["issuer"],
            needed=needed,
        )


class PresentedList(BaseModel):
    """All that are on the stay."""

    model_config = ConfigDict(frozen=True)

    items: list[PresentedView]


class SessionCouponsApi:
    """Of a driver's own stays."""

    def __init__(self, db: Database, shelf: TariffShelf) -> None:
        self._db = db
        self._shelf = shelf

    @operation(
        post="/v1/sessions/{session}/coupons",
        summary="Put a coupon on a stay",
        tags=("sessions",),
        scopes=RESERVE,
        idempotent=True,
        responses={200: PresentedView},
        problems=(UnknownSession, WrongState, NoTariff, CouponNotGood, NoSuchConcession),
    )
    async def present(self, tx: Tx, caller: Caller, session: PathSession, wanted: PresentIn) -> PresentedView:
        """While the vehicle is inside. A coupon that the stay turns out not to need is kept for another one."""
        coupon, named = await present_coupon(tx, self._shelf, session, wanted.code, driver=caller.id)
        return PresentedView.of(session, coupon, named, needed=True)

    @operation(
        get="/v1/sessions/{session}/coupons",
        summary="The coupons on a stay",
        tags=("sessions",),
        scopes=READ,
        responses={200: PresentedList},
        problems=(UnknownSession,),
    )
    async def list(self, caller: Caller, session: PathSession) -> PresentedList:
        """In the order in which they were put there."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.on_stay(tx, session, caller.id)
            if not rows:
                raise UnknownSession(session=session)
            if rows[0]["tariff"] is None:
                return PresentedList(items=[])
            named = {one.id: one for one in (await self._shelf.version(tx, rows[0]["tariff"])).concessions}
        shown = [(row, named[row["concession"]]) for row in rows if row["concession"] in named]
        return PresentedList(items=[PresentedView.of(session, row, one, needed=row["is_spent"]) for row, one in shown])

    @operation(
        delete="/v1/sessions/{session}/coupons/{coupon}",
        summary="Take a coupon back from a stay",
        tags=("sessions",),
        scopes=RESERVE,
        responses={204: None},
        problems=(UnknownSession, UnknownCoupon, WrongState),
    )
    async def delete(self, caller: Caller, session: PathSession, coupon: PathCoupon) -> NoContent:
        """While the vehicle is inside."""
        async with self._db.transaction() as tx:
            stay = await sql.own_session(tx, session, caller.id)
            if stay is None:
                raise UnknownSession(session=session)
            if stay["state"] != "open":
                raise WrongState(f"{session} is {stay['state']}: what it used stays used", state=stay["state"])
            if not await sql.take_off(tx, coupon, session):
                raise UnknownCoupon(coupon=coupon)
        return NoContent()
