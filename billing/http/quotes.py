"""`/v1/quotes` and the tariffs that everybody may read: what parking costs, and why."""

from datetime import timedelta
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.coupon_codes import Code, held_by_codes
from billing.errors import (
    CouponNotGood,
    NoPlan,
    NoSuchConcession,
    NoTariff,
    UnknownCarPark,
    UnknownTariff,
)
from billing.fee_lines import lines_of
from billing.http.tariff_views import TariffView
from billing.new_energy import is_new_energy
from billing.quote import Quote, Stay, quote
from billing.sql import tariffs as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Held
from billing.tariffs.fee import Vehicle
from billing.tariffs.tariff import tariff_schema
from contracts import vehicles
from contracts.ids import Label, Slug
from kernel.db import Database
from kernel.edge_problems import MalformedBody
from kernel.http import Raw, operation
from kernel.moments import Moment
from kernel.money import Money

STAY_MAX: Final = timedelta(days=92)
"""Of a quote, which anybody may ask for: a quarter of a year is priced in milliseconds by the strangest of tariffs."""
PathTariff = Annotated[str, StringConstraints(pattern=r"^tar_[0-9a-f]{32}$")]
ConcessionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


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


class QuotesApi:
    """Prices are everybody's to read."""

    def __init__(self, db: Database, shelf: TariffShelf) -> None:
        self._db = db
        self._shelf = shelf
        self._schema = orjson.dumps(tariff_schema())

    @operation(
        post="/v1/quotes",
        summary="What a stay costs, line by line",
        tags=("prices",),
        responses={200: QuoteView},
        problems=(UnknownCarPark, NoTariff, NoPlan, NoSuchConcession, CouponNotGood),
    )
    async def quote(self, wanted: QuoteIn) -> QuoteView:
        """By the tariff in force at `from`, and when it next rises. Nothing is promised or kept."""
        if wanted.until < wanted.begins:
            raise MalformedBody.of("until", "must not be before from")
        if wanted.until - wanted.begins > STAY_MAX:
            raise MalformedBody.of("until", f"a quote is for {STAY_MAX.days} days at most: ask for a shorter stay")
        async with self._db.transaction(readonly=True) as tx:
            held = [Held(concession=one) for one in wanted.permits]
            held += await held_by_codes(tx, wanted.car_park, wanted.coupons)
            stay = Stay(
                car_park=wanted.car_park,
                begins=wanted.begins,
                until=wanted.until,
                zone=wanted.zone or "",
                vehicle=wanted.priced_as,
            )
            return QuoteView.of(wanted, await quote(tx, self._shelf, stay, held), tx.now)

    @operation(
        get="/v1/car-parks/{car_park}/tariff",
        summary="What a car park charges",
        tags=("prices",),
        responses={200: TariffView},
        problems=(UnknownCarPark, NoTariff),
    )
    async def standing(self, car_park: Slug, at: Moment | None = None, zone: Label | None = None) -> TariffView:
        """The tariff for entries now, or `at` another time."""
        async with self._db.transaction(readonly=True) as tx:
            found = await sql.version_at(tx, car_park, zone or "", at or tx.now)
            row = None if found is None else await sql.one(tx, found["id"])
            if row is not None:
                return TariffView.of(tx, row)
            if await sql.known_car_park(tx, car_park) is None:
                raise UnknownCarPark(car_park=car_park)
            raise NoTariff(car_park=car_park)

    @operation(
        get="/v1/tariffs/{tariff}",
        summary="One tariff, as a charge names it",
        tags=("prices",),
        responses={200: TariffView},
        problems=(UnknownTariff,),
    )
    async def one(self, tariff: PathTariff) -> TariffView:
        """Also when it is no longer in force; not before it was announced, nor when it was withdrawn."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.one(tx, tariff)
            if row is None or row["withdrawn_at"] is not None:
                raise UnknownTariff(tariff=tariff)
            return TariffView.of(tx, row)

    @operation(
        get="/v1/tariff-schema",
        summary="What a tariff may say",
        tags=("prices",),
        responses={200: "application/schema+json"},
        etag=True,
    )
    async def schema(self) -> Raw:
        """JSON Schema 2020-12, with titles, descriptions and examples, for an editor."""
        return Raw(self._schema, "application/schema+json")
