"""What differed and has come right by itself: told late by the channel, or by its bill of the next day.

A bill is the channel's last word. A payment that it has and that we do not know to be paid is paid, and so is a refund:
the callback was lost, and the answer to whatever we asked.
"""

import contextlib
from typing import Any, Final

import structlog

from billing.channels.protocol import LineKind, PaymentTold, RefundStanding, RefundTold, Standing
from billing.matching import Kind, Line, Way, how
from billing.settle_payment import DoesNotFit, OnPaid, settle_payment
from billing.settle_refund import settle_refund
from billing.sql import bills, payments, refunds
from billing.sql import differences as sql
from billing.take_bill import are_the_same
from kernel.db import Database, Row, Tx
from kernel.db_errors import will_pass

PORTION: Final = 100
ITSELF: Final = "billing"
"""Who resolved it."""

log = structlog.get_logger(__name__)


async def look_again(database: Database, on_paid: OnPaid) -> int:
    """At every open difference that time may mend; how many it did."""
    count, after = 0, ""
    while True:
        async with database.transaction() as tx:
            rows = await sql.to_look_at(tx, after=after, limit=PORTION)
            for row in rows:
                count += await _mended(tx, row, on_paid)
        if len(rows) < PORTION:
            return count
        after = rows[-1]["id"]


async def _mended(tx: Tx, row: Row, on_paid: OnPaid) -> bool:
    """A defect in one keeps no other from being looked at."""
    try:
        async with tx.savepoint():
            return await (_in_no_bill(tx, row) if row["line"] is None else _in_a_bill(tx, row, on_paid))
    except Exception as error:
        if will_pass(error):
            raise
        log.exception("a difference cannot be looked at", difference=row["id"])
        return False


async def _in_no_bill(tx: Tx, row: Row) -> bool:
    if row["billed_on"] is not None:
        reason = f"it is in the bill of {row['billed_on']}"
        kind = Kind.LATE if row["billed_on"] > row["day"] else None
        await sql.resolve(tx, row["id"], Way.ITSELF, reason=reason, actor=ITSELF, kind=kind)
        return True
    if row["kind"] == Kind.LATE and row["is_next_read"]:
        known = _known(row)
        await sql.became(tx, row["id"], Kind.MISSING_THERE, ours=row["ours"], **known)
    return False


async def _in_a_bill(tx: Tx, row: Row, on_paid: OnPaid) -> bool:
    line = Line(id=row["line"], kind=LineKind(row["item"]), number=row["number"], amount=row["theirs"])
    if row["kind"] == Kind.STATE:
        await _believe(tx, row, on_paid)
    one = (await bills.ours(tx, row["channel"], [line.named])).get(line.named)
    kind = how(line, one)
    if kind is None and one is not None:
        await are_the_same(tx, [(line, one)])
        await sql.resolve(tx, row["id"], Way.ITSELF, reason="both say the same by now", actor=ITSELF)
        return True
    if kind is not None and kind != row["kind"] and one is not None:
        known = {"payment": None, "refund": None, one.kind.value: one.id}
        await sql.became(tx, row["id"], kind, ours=one.amount if one.is_done else None, **known)
    return False


async def _believe(tx: Tx, row: Row, on_paid: OnPaid) -> None:
    """What the bill says is done, is done. Another amount, or another transaction, is for somebody to decide."""
    number, amount, transaction = row["number"], row["theirs"], row["transaction"]
    payment = await payments.lock(tx, row["of_payment"])
    with contextlib.suppress(DoesNotFit):
        if row["refund"] is None and payment is not None:
            paid = PaymentTold(
                out_trade_no=number,
                standing=Standing.SUCCEEDED,
                amount=amount,
                transaction=transaction,
                at=row["line_at"],
            )
            await settle_payment(tx, payment, paid, on_paid)
        elif row["refund"] is not None and (refund := await refunds.lock(tx, row["refund"])) is not None:
            back = RefundTold(
                out_refund_no=number, standing=RefundStanding.SUCCEEDED, amount=amount, transaction=transaction
            )
            await settle_refund(tx, refund, back, channel=row["channel"])


def _known(row: Row) -> dict[str, Any]:
    return {"payment": row["payment"], "refund": row["refund"]}
