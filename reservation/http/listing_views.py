"""Listings as they are written and told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Slug
from kernel.db import Row, Tx
from kernel.moments import Moment
from kernel.money import Money
from reservation.change_listing import Change
from reservation.earnings import Earning, Standing
from reservation.lifecycle import State
from reservation.listing import Lent, ListingState
from reservation.place import PlaceIn
from reservation.sql import reservations
from reservation.steps import seen_now
from reservation.windows import Away, Exceptions, LentWindow, Span, Windows

PRICE_MAX = 1_000_000
"""Fen an hour: the table refuses more."""


class PerHour(Money):
    """For an hour, by started minutes."""

    amount: Annotated[int, Field(strict=True, ge=0, le=PRICE_MAX)]


OwnerShare = Annotated[
    int, Field(strict=True, ge=0, le=10_000, description="Basis points of the income that are the owner's.")
]
Notice = Annotated[
    int, Field(strict=True, ge=0, le=30 * 86_400, description="How long before its beginning a stay must be booked.")
]
Proof = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    Field(description="What shows the right to lend it, for the operator: a contract's number, say."),
]


class ListingIn(BaseModel):
    """A private space and when it is lent. Times are those of the car park's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: str = Field(max_length=97, examples=["B1-032"], description="A label, or `car_park/space`.")
    car_park: Slug | None = Field(default=None, description="Where the label alone is not enough.")
    windows: Windows
    exceptions: Exceptions = ()
    price: PerHour
    owner_share_bp: OwnerShare
    notice_s: Notice = 0
    proof: Proof | None = None

    @property
    def place(self) -> PlaceIn:
        """The space."""
        return PlaceIn(car_park=self.car_park, space=self.space)

    @property
    def lent(self) -> Lent:
        """When and for how much."""
        return Lent(
            windows=self.windows,
            exceptions=self.exceptions,
            price_per_hour=self.price.amount,
            owner_share_bp=self.owner_share_bp,
            notice_s=self.notice_s,
        )


class ListingPatch(BaseModel):
    """What shall be otherwise; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: Windows | None = None
    exceptions: Exceptions | None = None
    price: PerHour | None = None
    owner_share_bp: OwnerShare | None = Field(default=None, description="Once approved, it can only be lowered.")
    notice_s: Notice | None = None
    proof: Proof | None = None
    paused: bool | None = Field(default=None, description="True: nothing is offered until it is false again.")
    version: int | None = Field(default=None, description="Refuse when the listing is no longer at this one.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"version"}:
            raise PydanticCustomError("empty", "say what shall be changed")
        return self

    def change(self, row: Row) -> Change:
        """Of the listing in `row`."""
        was = Lent.of(row)
        lent = Lent(
            windows=was.windows if self.windows is None else self.windows,
            exceptions=was.exceptions if self.exceptions is None else self.exceptions,
            price_per_hour=was.price_per_hour if self.price is None else self.price.amount,
            owner_share_bp=was.owner_share_bp if self.owner_share_bp is None else self.owner_share_bp,
            notice_s=was.notice_s if self.notice_s is None else self.notice_s,
        )
        proof = row["proof"] if self.proof is None else self.proof
        return Change(lent=lent, paused=self.paused, proof=proof, version=self.version)


class TakeBackIn(Away):
    """`[from, until)`: the owner needs the space then."""

    keep_promises: bool = Field(
        default=False, description="Take what is free of it, and keep the promises that stand in the way."
    )


class ListingView(BaseModel):
    """A listing as its owner sees it."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    state: ListingState = Field(description="Only what is approved is offered.")
    car_park: str
    space: str | None = Field(description="Null: the car park has no such space any more.")
    windows: Sequence[LentWindow]
    exceptions: Exceptions
    price: Money = Field(description="For an hour.")
    owner_share_bp: int
    platform_share_bp: int = Field(description="At most; the operator's part is the rest.")
    notice_s: int
    proof: str | None
    created_at: Moment
    updated_at: Moment
    decided_at: Moment | None
    decision_reason: str | None = Field(description="In the operator's words.")
    laid_until: Moment | None = Field(description="It can be booked until then at the moment.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**_said(row))


class OperatorListingView(ListingView):
    """A listing as the operator of its car park sees it."""

    owner: str
    decided_by: str | None
    released_at: Moment | None = Field(description="Since then the space may be promised to everybody again.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**_said(row), owner=row["owner"], decided_by=row["decided_by"], released_at=row["released_at"])


def _said(row: Row) -> dict[str, object]:
    lent = Lent.of(row)
    same = (
        "id",
        "version",
        "state",
        "car_park",
        "owner_share_bp",
        "platform_share_bp",
        "notice_s",
        "proof",
        "created_at",
        "updated_at",
        "decided_at",
        "decision_reason",
        "laid_until",
    )
    return {
        **{name: row[name] for name in same},
        "space": row["space_label"],
        "windows": lent.windows,
        "exceptions": lent.exceptions,
        "price": Money(amount=lent.price_per_hour),
    }


class SpanView(BaseModel):
    """`[from, until)`."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    begins: Moment = Field(alias="from")
    until: Moment

    @classmethod
    def of(cls, span: Span) -> "SpanView":
        return cls(begins=span.begins, until=span.until)


class GuestView(BaseModel):
    """A promise on a lent space, as its owner sees it: enough to know the car, not who drives it."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    reservation: str
    state: State
    begins: Moment = Field(alias="from")
    until: Moment
    plate: str = Field(description="Only its beginning and its end.")
    overstaying: bool = Field(description="The car is still there though its time is over.")
    overstay_fee: Money = Field(description="What overstaying costs the driver so far, or cost.")

    @classmethod
    def of(cls, tx: Tx, row: Row) -> "GuestView":
        promise = seen_now(tx, row)
        fee = promise.fee
        if promise.overstaying and promise.is_active:
            fee = reservations.terms_of(row).overstay_fee(promise.until, tx.now)
        return cls(
            reservation=row["id"],
            state=promise.state,
            begins=promise.begins,
            until=promise.until,
            plate=masked(row["plate"]),
            overstaying=promise.overstaying,
            overstay_fee=Money(amount=fee),
        )


class CalendarView(BaseModel):
    """Of a listing from `from` to `until`: when the space is lent, what is promised of it, and what is left."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    listing: str
    state: ListingState
    begins: Moment = Field(alias="from")
    until: Moment
    windows: Sequence[SpanView] = Field(description="While it is not approved: when it would be lent.")
    promises: Sequence[GuestView] = Field(description="Also those that were made before the listing was changed.")
    free: Sequence[SpanView] = Field(description="Lent and not promised.")


class EarningView(BaseModel):
    """What one promise brings."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    reservation: str
    state: State
    begins: Moment = Field(alias="from")
    until: Moment
    ended_at: Moment | None
    price: Money
    fee: Money = Field(description="For overstaying; or for cancelling late or not coming, and then there is no price.")
    owner: Money
    operator: Money
    platform: Money
    standing: Standing
    available_at: Moment | None = Field(description="48 hours after the stay; null while it is not over.")

    @classmethod
    def of(cls, row: Row, state: State, ended_at: datetime | None, earned: Earning) -> "EarningView":
        return cls(
            reservation=row["id"],
            state=state,
            begins=row["begins"],
            until=row["until"],
            ended_at=ended_at,
            price=Money(amount=earned.price),
            fee=Money(amount=earned.fee),
            owner=Money(amount=earned.split.owner),
            operator=Money(amount=earned.split.operator),
            platform=Money(amount=earned.split.platform),
            standing=earned.standing,
            available_at=earned.available_at,
        )


class SumView(BaseModel):
    """Of all promises in one standing."""

    model_config = ConfigDict(frozen=True)

    promises: int
    total: Money
    owner: Money
    operator: Money
    platform: Money

    @classmethod
    def of(cls, earned: Sequence[Earning]) -> "SumView":
        return cls(
            promises=len(earned),
            total=Money(amount=sum(one.split.total for one in earned)),
            owner=Money(amount=sum(one.split.owner for one in earned)),
            operator=Money(amount=sum(one.split.operator for one in earned)),
            platform=Money(amount=sum(one.split.platform for one in earned)),
        )


class StatementView(BaseModel):
    """A month of a listing, by the car park's calendar: what ended in it, and what will."""

    model_config = ConfigDict(frozen=True)

    listing: str
    month: str
    expected: SumView = Field(description="Promised, not over.")
    held: SumView = Field(description="Over, for less than 48 hours.")
    available: SumView
    items: Sequence[EarningView]


def masked(plate: str) -> str:
    """`辽A···45`."""
    return f"{plate[:2]}{'·' * max(0, len(plate) - 4)}{plate[-2:]}" if len(plate) > 4 else "·" * len(plate)
