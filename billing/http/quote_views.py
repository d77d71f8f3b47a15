"""A stay whose price is asked for, and the price."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from billing.coupon_codes import Code
from billing.fee_lines import lines_of
from billing.http.concession_bodies import ConcessionId
from billing.new_energy import is_new_energy
from billing.quote import Quote
from billing.tariffs.fee import Vehicle
from contracts import vehicles
from contracts.ids import Label, Slug
from kernel.moments import Moment
from kernel.money import Money


class QuoteIn(BaseModel):
    """A stay. What is shown is what the driver says that he will show: `permits` by their ids in the tariff, coupons by
    their codes; a plate is asked for nothing, it only tells whether the vehicle runs on new energy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    car_park: Slug
    zone: Label | None = None
    class_: Slug = Field(default="small", alias="class", examples=["small", "large", "motorcycle"])
    begins: Moment = Field(alias="from")
    until: Moment
    new_energy: bool | None = None
    vehicle: vehicles.Vehicle | None = None
    permits: Annotated[list[ConcessionId], Field(max_length=10)] = []
    coupons: Annotated[list[Code], Field(max_length=10)] = []

    @property
    def priced_as(self) -> Vehicle:
        """What prices may depend on."""
        known = self.vehicle is not None and is_new_energy(self.vehicle.color)
        return Vehicle(class_=self.class_, new_energy=known if self.new_energy is None else self.new_energy)


class LineView(BaseModel):
    """One line of a bill; `why` says it in words. The amounts of all lines are the total."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: str
    amount: Money
    begins: Moment = Field(alias="from")
    until: Moment
    why: dict[str, str] = Field(examples=[{"zh": "第2小时，每小时3.00", "en": "hour 2 at 3.00 per hour"}])

    @classmethod
    def of(cls, line: dict[str, Any]) -> Self:
        """As `fee_lines.lines_of` keeps it."""
        return cls.model_validate({**line, "amount": Money(amount=line["amount"])})


class QuoteView(BaseModel):
    """What the stay costs. `rises_at` is the first moment at which leaving costs more, and `rises_to` what it costs
    then; null: not within a year. `changes_at` differs where a longer stay may cost less.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    car_park: str
    zone: str | None = Field(description="Whose prices these are; null: the car park's.")
    tariff: str
    plan: str
    class_: str = Field(alias="class")
    new_energy: bool
    begins: Moment = Field(alias="from")
    until: Moment
    total: Money
    lines: list[LineView]
    rises_at: Moment | None
    rises_to: Money | None
    changes_at: Moment | None
    overstays_at: Moment | None = Field(description="When the longest stay is over, where there is one.")
    as_of: Moment = Field(description="When this was worked out; no promise: a tariff may change before `from`.")

    @classmethod
    def of(cls, wanted: QuoteIn, found: Quote, as_of: Moment) -> Self:
        fee = found.fee
        return cls(
            car_park=wanted.car_park,
            zone=found.zone or None,
            tariff=found.tariff,
            plan=fee.plan,
            class_=wanted.class_,
            new_energy=wanted.priced_as.new_energy,
            begins=wanted.begins,
            until=wanted.until,
            total=Money(amount=fee.total),
            lines=[LineView.of(line) for line in lines_of(fee)],
            rises_at=fee.rises_at,
            rises_to=None if found.rises_to is None else Money(amount=found.rises_to),
            changes_at=fee.changes_at,
            overstays_at=fee.overstays_at,
            as_of=as_of,
        )
