"""`/v1/sessions/{session}/coupons`: a driver puts a coupon on his stay."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from billing.coupon_codes import Code
from billing.errors import CouponNotGood, NoSuchConcession, NoTariff, UnknownSession, WrongState
from billing.present_coupon import present_coupon
from billing.tariff_shelf import TariffShelf
from kernel.db import Tx
from kernel.http import Caller, operation

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


class SessionCouponsApi:
    """Of a driver's own stays."""

    def __init__(self, shelf: TariffShelf) -> None:
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
        return PresentedView(
            session=session,
            coupon=coupon["id"],
            concession=named.id,
            name={"zh": named.name.zh, "en": named.name.en},
            issuer=coupon["issuer"],
        )
