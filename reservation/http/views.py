"""A reservation as its driver sees it."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from contracts.vehicles import Vehicle
from kernel.db import Row, Tx
from kernel.moments import Moment
from kernel.money import Money
from reservation.lifecycle import State
from reservation.policy import Terms
from reservation.sql import reservations as sql
from reservation.steps import seen_now


class TermsView(BaseModel):
    """What was agreed. Money in fen."""

    model_config = ConfigDict(frozen=True)

    earliest_arrival: Moment = Field(description="One may come from then on, where there is room.")
    latest_arrival: Moment = Field(description="Whoever has not come by then is a no-show.")
    leave_by: Moment = Field(description="Leaving until then costs no more than the price.")
    free_cancellation_until: Moment
    cancellation_fee: Money = Field(description="After that.")
    no_show_fee: Money
    price_per_hour: Money
    overstay_per_hour: Money

    @classmethod
    def of(cls, terms: Terms, begins: datetime, until: datetime, price: int) -> Self:
        return cls(
            earliest_arrival=terms.earliest(begins),
            latest_arrival=terms.latest(begins, until),
            leave_by=terms.leave_by(until),
            free_cancellation_until=terms.free_until(begins),
            cancellation_fee=Money(amount=terms.cancel_fee_late(price)),
            no_show_fee=Money(amount=terms.no_show_fee(price)),
            price_per_hour=Money(amount=terms.price_per_hour),
            overstay_per_hour=Money(amount=terms.overstay_per_hour),
        )


class ReservationView(BaseModel):
    """A promise. `fee` is what its end cost beside or instead of the price."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    state: State
    version: int
    car_park: str
    space: str | None
    listing: str | None
    vehicle: Vehicle
    begins: Moment = Field(alias="from")
    until: Moment
    price: Money
    fee: Money
    terms: TermsView
    hold_expires_at: Moment | None = Field(description="While it is held.")
    created_at: Moment
    confirmed_at: Moment | None
    checked_in_at: Moment | None
    ended_at: Moment | None
    overstaying: bool

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        """As it is now, whether or not the sweep came by yet."""
        promise, terms = seen_now(tx, row), sql.terms_of(row)
        return cls(
            id=row["id"],
            state=promise.state,
            version=row["version"],
            car_park=row["car_park"],
            space=row["space_label"],
            listing=row["listing"],
            vehicle=Vehicle.model_construct(plate=row["plate"], color=row["color"]),
            begins=promise.begins,
            until=promise.until,
            price=Money(amount=row["price"]),
            fee=Money(amount=promise.fee),
            terms=TermsView.of(terms, promise.begins, promise.until, row["price"]),
            hold_expires_at=promise.hold_expires_at if promise.state is State.HELD else None,
            created_at=row["created_at"],
            confirmed_at=promise.confirmed_at,
            checked_in_at=promise.checked_in_at,
            ended_at=promise.ended_at,
            overstaying=promise.overstaying,
        )
