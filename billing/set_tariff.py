"""An operator puts a tariff in force: a version more, from a moment to come on. Stays keep the one of their entry."""

from datetime import UTC, datetime
from typing import Any

from billing.errors import TariffBackdated, TariffOvertaken
from billing.own_place import own_place
from billing.sql import tariffs as sql
from billing.tariff_document import read_document
from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.ids import new_id


async def set_tariff(
    tx: Tx, caller: Caller, car_park: str, document: dict[str, Any], *, zone: str, record_audit: RecordAudit
) -> Row:
    """The new version, in force for entries from its `valid_from`, or from now on.

    Raises UnknownCarPark, UnknownZone, MalformedBody, TariffBackdated, TariffOvertaken.
    """
    own = await own_place(tx, caller, car_park, zone)
    version = read_document(document, time_zone=own["time_zone"])
    begins = tx.now if version.valid_from is None else version.valid_from.astimezone(UTC)
    await _check_begin(tx, car_park, zone, begins)
    if version.valid_until is not None and version.valid_until <= begins:
        raise MalformedBody.of("valid_until", "it is over before it begins: write a later time, or leave it out")
    tariff = new_id("tar", tx.now)
    with tx.guard({"tariff_number_once": TariffOvertaken}, car_park=car_park):
        row = await sql.insert(
            tx,
            tariff,
            car_park,
            zone,
            document={"time_zone": own["time_zone"], **document},
            valid_from=begins,
            valid_until=None if version.valid_until is None else version.valid_until.astimezone(UTC),
            actor=caller.principal,
        )
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="tariff.set",
        subject=f"car-park/{car_park}",
        detail={"tariff": tariff, "number": row["number"], "zone": zone, "valid_from": begins.isoformat()},
    )
    return row


async def _check_begin(tx: Tx, car_park: str, zone: str, begins: datetime) -> None:
    """Only the first version may begin in the past: it takes the place of none."""
    if begins < tx.now and not await sql.is_first(tx, car_park, zone):
        raise TariffBackdated(car_park=car_park, valid_from=begins.isoformat())
