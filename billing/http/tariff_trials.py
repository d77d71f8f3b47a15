"""What a tariff would do to past stays, and what it is in the words of others."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from billing.errors import UnknownCarPark, UnknownTariff, UnknownZone
from billing.http.tariff_views import (
    EXAMPLE,
    ApdsRatesView,
    ChargingRuleView,
    DryRunView,
    PathTariff,
    TariffIn,
    UnsaidView,
    Zone,
)
from billing.own_place import own_place, own_tariff
from billing.past_stays import PAST_STAYS_MAX, past_stays
from billing.sql.policies import policy_of
from billing.tariff_document import read_document
from billing.tariff_shelf import TariffShelf
from billing.tariffs.apds_rates import apds_rates
from billing.tariffs.charging_rule import charging_rule
from billing.tariffs.dry_run import PastStay, dry_run
from billing.tariffs.fee import Vehicle
from contracts.ids import Slug
from kernel.db import Database
from kernel.http import OPERATE, Caller, operation
from kernel.moments import Moment

PERIOD: Final = timedelta(days=30)
"""Of past stays, where nothing else is said."""
STAYS_MAX: Final = 1_000
"""Made up ones, in one body."""


class TriedStay(BaseModel):
    """A stay to try the tariff on; `charged` is what it is compared with, in fen."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    begins: Moment = Field(alias="from")
    until: Moment
    class_: Slug = Field(default="small", alias="class")
    new_energy: bool = False
    charged: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


class DryRunIn(BaseModel):
    """The document, and the stays to price with it: those that ended between `from` and `until` (the last 30 days), or
    those of `stays`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    tariff: TariffIn
    zone: Zone = None
    begins: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None
    stays: Annotated[list[TriedStay], Field(max_length=STAYS_MAX)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "DryRunIn":
        if self.stays is not None and (self.begins is not None or self.until is not None):
            raise PydanticCustomError("stays", "either stays, or from and until of past stays, not both")
        if self.begins is not None and self.until is not None and self.begins >= self.until:
            raise PydanticCustomError("until", "until must be later than from")
        return self


class TariffTrialsApi:
    """Nothing is changed by any of it."""

    def __init__(self, db: Database, shelf: TariffShelf) -> None:
        self._db = db
        self._shelf = shelf

    @operation(
        post="/v1/operator/car-parks/{car_park}/tariffs/dry-run",
        summary="Try a tariff on past stays",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: DryRunView},
        problems=(UnknownCarPark, UnknownZone),
        examples={"the last month": {"tariff": EXAMPLE}},
    )
    async def try_on(self, caller: Caller, car_park: Slug, wanted: DryRunIn) -> DryRunView:
        """What the stays were charged, and what they would have been; nothing is changed. At most 10,000, the last."""
        async with self._db.transaction(readonly=True) as tx:
            own = await own_place(tx, caller, car_park, wanted.zone or "")
            version = read_document(wanted.tariff.root, time_zone=own["time_zone"], prefix="tariff")
            if wanted.stays is None:
                until = wanted.until or tx.now
                during = (wanted.begins or until - PERIOD, until)
                stays = await past_stays(tx, car_park, wanted.zone or "", during)
            else:
                stays = [_tried(number, stay) for number, stay in enumerate(wanted.stays)]
        complete = wanted.stays is not None or len(stays) <= PAST_STAYS_MAX
        # Beside the loop: thousands of fees take a second.
        run = await asyncio.to_thread(dry_run, version, stays[:PAST_STAYS_MAX])
        return DryRunView.of(run, complete=complete)

    @operation(
        get="/v1/operator/car-parks/{car_park}/tariffs/{tariff}/charging-rule",
        summary="The tariff in the words of WeChat Pay's parking-lot application",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ChargingRuleView},
        problems=(UnknownCarPark, UnknownTariff),
    )
    async def charging_rule(self, caller: Caller, car_park: Slug, tariff: PathTariff) -> ChargingRuleView:
        """What it cannot say is listed."""
        async with self._db.transaction(readonly=True) as tx:
            await own_tariff(tx, caller, car_park, tariff)
            policy = await policy_of(tx, car_park)
            made = charging_rule(await self._shelf.version(tx, tariff), exit_free_min=policy.exit_window_s // 60)
        return ChargingRuleView(tariff=tariff, charging_rule=made.rule, unsaid=UnsaidView.all(made.unsaid))

    @operation(
        get="/v1/operator/car-parks/{car_park}/tariffs/{tariff}/apds",
        summary="The tariff as APDS rate tables",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ApdsRatesView},
        problems=(UnknownCarPark, UnknownTariff),
    )
    async def apds(self, caller: Caller, car_park: Slug, tariff: PathTariff) -> ApdsRatesView:
        """What they cannot say is listed."""
        async with self._db.transaction(readonly=True) as tx:
            row = await own_tariff(tx, caller, car_park, tariff)
            version = await self._shelf.version(tx, tariff)
        made = apds_rates(version, table_id=tariff, table_version=row["number"])
        return ApdsRatesView(tariff=tariff, rate_tables=made.tables, unsaid=UnsaidView.all(made.unsaid))


def _tried(number: int, stay: TriedStay) -> PastStay:
    vehicle = Vehicle(class_=stay.class_, new_energy=stay.new_energy)
    return PastStay(id=f"stays.{number}", entry=stay.begins, exit=stay.until, charged=stay.charged, vehicle=vehicle)
