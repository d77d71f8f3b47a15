"""`/v1/operator/coupons`: what shops give to their customers."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.coupon_codes import Code
from billing.end_coupon import end_coupon
from billing.errors import (
    CodeTaken,
    NoSuchConcession,
    UnknownCarPark,
    UnknownCoupon,
)
from billing.http.concession_bodies import CarParks, ConcessionId, Name, Status, Uses, status_of
from billing.issue_coupon import NewCoupon, issue_coupon
from billing.sql import coupons as sql
from contracts.audit import RecordAudit
from contracts.ids import Slug
from contracts.vehicles import Plate, Vehicle
from kernel.db import Database, Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    below_id,
    operation,
    page_by,
)
from kernel.moments import Moment
from kernel.money import Money

PathCoupon = Annotated[str, StringConstraints(pattern=r"^cpn_[0-9a-f]{32}$")]
GOOD_FOR: Final = timedelta(days=1)
"""Where nothing is said: whoever shops today parks today."""
GOOD_FOR_MAX: Final = timedelta(days=732)


class CouponIn(BaseModel):
    """What is given, by whom, and to whom: to whoever has its `code` (one is made where none is said), or to a
    `vehicle`, which needs none. Valid from now on, for a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    car_parks: CarParks
    concession: ConcessionId
    issuer: Name = Field(description="The shop, in words.", examples=["Joyful Books, 3F"])
    code: Code | None = None
    vehicle: Vehicle | None = None
    minutes: Annotated[int, Field(ge=1, le=527_040)] | None = Field(
        default=None, description="Where it gives fewer minutes than the tariff's concession does."
    )
    amount: Money | None = Field(default=None, description="Where it gives less than the tariff's concession does.")
    uses_max: Uses = Field(default=1, description="For so many stays in all.")
    begins: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.code is not None and self.vehicle is not None:
            raise PydanticCustomError("code", "a coupon for a vehicle has no code: leave one of the two out")
        if self.amount is not None and not 0 < self.amount.amount <= 100_000_000:
            raise PydanticCustomError("amount", "amount must be more than nothing, and at most a million yuan")
        return self


class CouponView(BaseModel):
    """A coupon; `uses` is for how many stays it was used, or put on."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    operator: str
    car_parks: list[str]
    concession: str
    issuer: str
    code: str | None
    vehicle: Vehicle | None
    status: Status
    minutes: int | None
    amount: Money | None
    uses_max: int
    uses: int
    begins: Moment = Field(alias="from")
    until: Moment
    created_at: Moment
    ended_at: Moment | None

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        plate, color = row["plate"], row["color"]
        return cls(
            id=row["id"],
            operator=row["operator"],
            car_parks=row["car_parks"],
            concession=row["concession"],
            issuer=row["issuer"],
            code=row["code"],
            vehicle=None if plate is None else Vehicle.model_construct(plate=plate, color=color),
            status=status_of(tx, row),
            minutes=row["minutes"],
            amount=None if row["amount"] is None else Money(amount=row["amount"]),
            uses_max=row["uses_max"],
            uses=row["uses"],
            begins=row["valid_from"],
            until=row["valid_until"],
            created_at=row["created_at"],
            ended_at=row["ended_at"],
        )


class CouponsApi:
    """Every write of an operator is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        post="/v1/operator/coupons",
        summary="Issue a coupon",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: CouponView},
        problems=(UnknownCarPark, NoSuchConcession, CodeTaken),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: CouponIn) -> Created[CouponView]:
        """What it takes off, and how many of it a stay may use, the tariff says."""
        begins = wanted.begins or tx.now
        until = wanted.until or begins + GOOD_FOR
        if not begins < until <= begins + GOOD_FOR_MAX:
            raise MalformedBody.of("until", "until must be later than from, by two years at most")
        new = NewCoupon(
            car_parks=[*dict.fromkeys(wanted.car_parks)],
            concession=wanted.concession,
            issuer=wanted.issuer,
            code=wanted.code,
            vehicle=wanted.vehicle,
            minutes=wanted.minutes,
            amount=None if wanted.amount is None else wanted.amount.amount,
            uses_max=wanted.uses_max,
            valid_from=begins,
            valid_until=until,
        )
        row = await issue_coupon(tx, caller, new, self._record_audit)
        return Created(f"/v1/operator/coupons/{row['id']}", CouponView.of(tx, row))

    @operation(
        get="/v1/operator/coupons",
        summary="My coupons",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[CouponView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        car_park: Slug | None = None,
        issuer: Name | None = None,
        plate: Plate | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[CouponView]:
        """The last one issued first."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(
                tx, caller, car_park=car_park, issuer=issuer, plate=plate, below=below_id(cursor), limit=limit + 1
            )
            return page_by("id", rows, limit, lambda row: CouponView.of(tx, row))

    @operation(
        get="/v1/operator/coupons/{coupon}",
        summary="One coupon",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CouponView},
        problems=(UnknownCoupon,),
    )
    async def one(self, caller: Caller, coupon: PathCoupon) -> CouponView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.own(tx, coupon, caller)
            if row is None:
                raise UnknownCoupon(coupon=coupon)
            return CouponView.of(tx, row)

    @operation(
        delete="/v1/operator/coupons/{coupon}",
        summary="End a coupon",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCoupon,),
    )
    async def delete(self, caller: Caller, coupon: PathCoupon) -> NoContent:
        """It is good for no further stay."""
        async with self._db.transaction() as tx:
            await end_coupon(tx, caller, coupon, self._record_audit)
        return NoContent()
