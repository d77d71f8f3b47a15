"""An operator ends a coupon: it is good for no further stay."""

from billing.errors import UnknownCoupon
from billing.sql import coupons as sql
from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Tx


async def end_coupon(tx: Tx, caller: Caller, coupon: str, record_audit: RecordAudit) -> None:
    """Where it is on a stay already it is kept. Raises UnknownCoupon."""
    row = await sql.own(tx, coupon, caller)
    if row is None:
        raise UnknownCoupon(coupon=coupon)
    if await sql.end(tx, coupon, caller.principal):
        await record_audit(
            tx,
            actor=caller.principal,
            operator=row["operator"],
            action="coupon.end",
            subject=f"coupon/{coupon}",
            detail={"issuer": row["issuer"]},
        )
