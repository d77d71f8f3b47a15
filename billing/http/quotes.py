"""`/v1/quotes` and the tariffs that everybody may read: what parking costs, and why."""

from datetime import timedelta
from typing import Final

import orjson

from billing.coupon_codes import held_by_codes
from billing.errors import CouponNotGood, NoPlan, NoSuchConcession, NoTariff, UnknownCarPark, UnknownTariff
from billing.http.quote_views import QuoteIn, QuoteView
from billing.http.tariff_views import PathTariff, TariffView
from billing.quote import Stay, quote
from billing.sql import tariffs as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Held
from billing.tariffs.tariff import tariff_schema
from contracts.ids import Label, Slug
from kernel.db import Database
from kernel.edge_problems import MalformedBody
from kernel.http import Raw, operation
from kernel.moments import Moment

STAY_MAX: Final = timedelta(days=92)
"""Of a quote, which anybody may ask for: a quarter of a year is priced in milliseconds by the strangest of tariffs."""


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
        """Also one that is over or still to come; not one that was withdrawn."""
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
