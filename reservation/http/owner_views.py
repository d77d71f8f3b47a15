"""What owners see of their lent spaces: the calendar, and what was earned."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from kernel.db import Row, Tx
from kernel.moments import Moment
from kernel.money import Money
from reservation.earnings import Earning, Standing
from reservation.lifecycle import State
from reservation.listing import ListingState
from reservation.sql import reservations
from reservation.steps import seen_now
from reservation.windows import Span


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
