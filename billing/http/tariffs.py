"""`/v1/operator/car-parks/{car_park}/tariffs`: what a car park charges, version by version, and trying one on."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.errors import (
    TariffBackdated,
    TariffBegun,
    TariffOvertaken,
    UnknownCarPark,
    UnknownTariff,
    UnknownZone,
)
from billing.http.tariff_views import (
    ApdsRatesView,
    ChargingRuleView,
    DryRunView,
    OperatorTariffRow,
    OperatorTariffView,
    TariffIn,
    UnsaidView,
)
from billing.own_place import own_place
from billing.past_stays import PAST_STAYS_MAX, past_stays
from billing.set_tariff import set_tariff
from billing.sql import tariffs as sql
from billing.tariff_document import read_document
from billing.tariff_shelf import TariffShelf
from billing.tariffs.apds_rates import apds_rates
from billing.tariffs.charging_rule import charging_rule
from billing.tariffs.dry_run import PastStay, dry_run
from billing.tariffs.fee import Vehicle
from billing.withdraw_tariff import withdraw_tariff
from contracts.audit import RecordAudit
from contracts.ids import Label, Slug
from kernel.db import Database, Row, Tx
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    decode_cursor,
    operation,
    page_by,
)
from kernel.moments import Moment

PathTariff = Annotated[str, StringConstraints(pattern=r"^tar_[0-9a-f]{32}$")]
Zone = Annotated[Label | None, Field(description="A nested zone with prices of its own; left out: the car park.")]
EXAMPLE: Final = {
    "name": {"zh": "首小时5元，之后每30分钟2元", "en": "5 yuan for the first hour, then 2 yuan a half hour"},
    "plans": [
        {
            "id": "small",
            "when": {"classes": ["small"]},
            "free": {"minutes": 15, "charge_from": "entry"},
            "charge": {
                "kind": "units",
                "steps": [{"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 200, "unit_min": 30}],
            },
            "caps": [{"per": "hours", "hours": 24, "amounts": [4000]}],
        }
    ],
    "concessions": [{"id": "staff", "name": {"zh": "员工", "en": "staff"}, "kind": "permit", "exempt": True}],
}
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


class OperatorTariffsApi:
    """Every write is audited; nothing reaches back to stays that began."""

    def __init__(self, db: Database, shelf: TariffShelf, record_audit: RecordAudit) -> None:
        self._db = db
        self._shelf = shelf
        self._record_audit = record_audit

    @operation(
        post="/v1/operator/car-parks/{car_park}/tariffs",
        summary="Put a tariff in force",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: OperatorTariffView},
        problems=(UnknownCarPark, UnknownZone, TariffBackdated, TariffOvertaken),
        examples={"first hour": EXAMPLE},
    )
    async def post(
        self, tx: Tx, caller: Caller, car_park: Slug, wanted: TariffIn, *, zone: Zone = None
    ) -> Created[OperatorTariffView]:
        """A new version, for entries from `valid_from` (now) on; stays that began keep theirs. One with `valid_until`
        goes before the others while it lasts. Only the first one may begin in the past.
        """
        row = await set_tariff(tx, caller, car_park, wanted.root, zone=zone or "", record_audit=self._record_audit)
        return await _created(tx, row)

    @operation(
        put="/v1/operator/car-parks/{car_park}/tariff",
        summary="This is the tariff",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OperatorTariffView, 201: OperatorTariffView},
        problems=(UnknownCarPark, UnknownZone, TariffBackdated, TariffOvertaken),
        examples={"first hour": EXAMPLE},
    )
    async def put(
        self, caller: Caller, car_park: Slug, wanted: TariffIn, *, zone: Zone = None
    ) -> Created[OperatorTariffView] | OperatorTariffView:
        """The same, but nothing new where the one in force says just that."""
        async with self._db.transaction() as tx:
            own = await own_place(tx, caller, car_park, zone or "")
            version = read_document(wanted.root, time_zone=own["time_zone"])
            standing = await self._shelf.version_at(tx, car_park, zone or "", tx.now)
            if standing is not None and standing[1] == version:
                return OperatorTariffView.of(tx, await _one(tx, standing[0]))
            row = await set_tariff(tx, caller, car_park, wanted.root, zone=zone or "", record_audit=self._record_audit)
            return await _created(tx, row)

    @operation(
        get="/v1/operator/car-parks/{car_park}/tariffs",
        summary="The tariffs of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[OperatorTariffRow]},
        problems=(UnknownCarPark,),
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug,
        zone: Annotated[str | None, Field(max_length=32, description="Of this zone; empty: of the car park.")] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[OperatorTariffRow]:
        """All that ever were made, withdrawn ones as well: those of the car park, then by zone, the last one first."""
        after = (None, None) if cursor is None else decode_cursor(cursor, str, int)
        async with self._db.transaction(readonly=True) as tx:
            await own_place(tx, caller, car_park)
            rows = await sql.page(tx, car_park, zone=zone, after=after, limit=limit + 1)
            return page_by(("zone", "number"), rows, limit, lambda row: OperatorTariffRow.of(tx, row))

    @operation(
        get="/v1/operator/car-parks/{car_park}/tariffs/{tariff}",
        summary="One tariff",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OperatorTariffView},
        problems=(UnknownCarPark, UnknownTariff),
    )
    async def one(self, caller: Caller, car_park: Slug, tariff: PathTariff) -> OperatorTariffView:
        """With what it says."""
        async with self._db.transaction(readonly=True) as tx:
            return OperatorTariffView.of(tx, await _own(tx, caller, car_park, tariff))

    @operation(
        delete="/v1/operator/car-parks/{car_park}/tariffs/{tariff}",
        summary="Withdraw a tariff that is still to come",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCarPark, UnknownTariff, TariffBegun),
    )
    async def delete(self, caller: Caller, car_park: Slug, tariff: PathTariff) -> NoContent:
        """It stays in the list. What is in force is replaced by another one instead."""
        async with self._db.transaction() as tx:
            await withdraw_tariff(tx, caller, car_park, tariff, self._record_audit)
        return NoContent()

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
            await _own(tx, caller, car_park, tariff)
            made = charging_rule(await self._shelf.version(tx, tariff))
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
            row = await _own(tx, caller, car_park, tariff)
            version = await self._shelf.version(tx, tariff)
        made = apds_rates(version, table_id=tariff, table_version=row["number"])
        return ApdsRatesView(tariff=tariff, rate_tables=made.tables, unsaid=UnsaidView.all(made.unsaid))


async def _own(tx: Tx, caller: Caller, car_park: str, tariff: str) -> Row:
    await own_place(tx, caller, car_park)
    row = await sql.one(tx, tariff)
    if row is None or row["car_park"] != car_park:
        raise UnknownTariff(tariff=tariff)
    return row


async def _one(tx: Tx, tariff: str) -> Row:
    row = await sql.one(tx, tariff)
    if row is None:
        raise UnknownTariff(tariff=tariff)
    return row


async def _created(tx: Tx, row: Row) -> Created[OperatorTariffView]:
    made = OperatorTariffView.of(tx, await _one(tx, row["id"]))
    return Created(f"/v1/operator/car-parks/{made.car_park}/tariffs/{made.id}", made)


def _tried(number: int, stay: TriedStay) -> PastStay:
    vehicle = Vehicle(class_=stay.class_, new_energy=stay.new_energy)
    return PastStay(id=f"stays.{number}", entry=stay.begins, exit=stay.until, charged=stay.charged, vehicle=vehicle)
