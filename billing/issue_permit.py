"""An operator issues a permit: a monthly pass, a place for staff, what the law gives the disabled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from billing.concession_place import check_concession, operator_of
from billing.sql import permits as sql
from contracts.audit import RecordAudit
from contracts.vehicles import Vehicle
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.ids import new_id

KINDS: Final = frozenset({"pass", "permit"})


class NewPermit(Struct, frozen=True, kw_only=True):
    """`spaces`: how many of the vehicles it covers at a time, `uses_max`: for how many stays; None: no limit."""

    car_parks: Sequence[str]
    vehicles: Sequence[Vehicle]
    concession: str
    holder: str
    spaces: int | None
    uses_max: int | None
    valid_from: datetime | None
    valid_until: datetime | None


async def issue_permit(tx: Tx, caller: Caller, wanted: NewPermit, record_audit: RecordAudit) -> Row:
    """Raises UnknownCarPark, MalformedBody, NoSuchConcession."""
    operator = await operator_of(tx, caller, wanted.car_parks)
    await check_concession(tx, wanted.car_parks, wanted.concession, KINDS)
    permit = new_id("per", tx.now)
    await sql.insert(
        tx,
        permit,
        operator=operator,
        car_parks=wanted.car_parks,
        concession=wanted.concession,
        holder=wanted.holder,
        spaces=wanted.spaces,
        uses_max=wanted.uses_max,
        valid=(wanted.valid_from or tx.now, wanted.valid_until),
        vehicles=[(one.plate, one.color) for one in wanted.vehicles],
        actor=caller.principal,
    )
    await record_audit(
        tx,
        actor=caller.principal,
        operator=operator,
        action="permit.issue",
        subject=f"permit/{permit}",
        detail={"car_parks": list(wanted.car_parks), "concession": wanted.concession, "holder": wanted.holder},
    )
    row = await sql.own(tx, permit, caller)
    assert row is not None, "it was written just now"  # noqa: S101
    return row
