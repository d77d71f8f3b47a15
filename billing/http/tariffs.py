"""`/v1/operator/car-parks/{car_park}/tariffs`: what a car park charges, version by version."""

from typing import Annotated

from pydantic import Field

from billing.errors import (
    TariffBackdated,
    TariffBegun,
    TariffOvertaken,
    UnknownCarPark,
    UnknownTariff,
    UnknownZone,
)
from billing.http.tariff_views import (
    EXAMPLE,
    OperatorTariffRow,
    OperatorTariffView,
    PathTariff,
    TariffIn,
    Zone,
)
from billing.own_place import own_place, own_tariff
from billing.set_tariff import set_tariff
from billing.sql import tariffs as sql
from billing.tariff_document import read_document
from billing.tariff_shelf import TariffShelf
from billing.withdraw_tariff import withdraw_tariff
from contracts.audit import RecordAudit
from contracts.ids import Slug
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
            return OperatorTariffView.of(tx, await own_tariff(tx, caller, car_park, tariff))

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


async def _one(tx: Tx, tariff: str) -> Row:
    row = await sql.one(tx, tariff)
    if row is None:
        raise UnknownTariff(tariff=tariff)
    return row


async def _created(tx: Tx, row: Row) -> Created[OperatorTariffView]:
    made = OperatorTariffView.of(tx, await _one(tx, row["id"]))
    return Created(f"/v1/operator/car-parks/{made.car_park}/tariffs/{made.id}", made)
