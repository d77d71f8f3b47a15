"""An operator ends a permit before its time; stays that it covered until now stay covered so far."""

from billing.errors import UnknownPermit
from billing.sql import permits as sql
from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Tx


async def end_permit(tx: Tx, caller: Caller, permit: str, record_audit: RecordAudit) -> None:
    """One that has ended stays as it is. Raises UnknownPermit."""
    row = await sql.own(tx, permit, caller)
    if row is None:
        raise UnknownPermit(permit=permit)
    if await sql.end(tx, permit, caller.principal):
        await record_audit(
            tx,
            actor=caller.principal,
            operator=row["operator"],
            action="permit.end",
            subject=f"permit/{permit}",
            detail={"holder": row["holder"]},
        )
