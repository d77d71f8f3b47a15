"""The channels' bills: their lines, what each is of ours, and the journals that they are."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from billing.channels.protocol import BillLine, LineKind
from billing.matching import Line, Named, Ours
from kernel.db import Row, Tx

KEEP_BILL: Final = """
INSERT INTO billing.bill (channel, day, lines, read_at) VALUES ($1, $2, $3, $4)
ON CONFLICT ON CONSTRAINT bill_key DO UPDATE SET lines = excluded.lines, read_at = excluded.read_at
"""
KEEP_LINES: Final = """
INSERT INTO billing.bill_line (channel, day, kind, number, transaction, out_trade_no, amount, fee, at, copy)
SELECT $1, $2, * FROM unnest(
    $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::timestamptz[], $10::integer[])
ON CONFLICT ON CONSTRAINT bill_line_once DO NOTHING
"""
LAST_READ: Final = "SELECT max(day) FROM billing.bill WHERE channel = $1"
FIRST_ASKED: Final = "SELECT min(created_at) FROM billing.payment WHERE channel = $1"
LOCK_CHANNEL: Final = "SELECT pg_advisory_xact_lock(hashtextextended('billing.bill ' || $1, 0))"
NEW_LINES: Final = """
SELECT id, kind, number, amount FROM billing.bill_line AS line
WHERE channel = $1 AND day = $2 AND payment IS NULL AND refund IS NULL
    AND NOT EXISTS (SELECT FROM billing.difference WHERE difference.line = line.id)
ORDER BY id
"""
_OURS: Final = """
SELECT payment.id, 'payment' AS kind, payment.out_trade_no AS number, payment.amount,
    payment.state = 'succeeded' AS is_done, coalesce(payment.succeeded_at, payment.created_at) AS at,
    EXISTS (SELECT FROM billing.bill_line AS line WHERE line.payment = payment.id)
    OR EXISTS (SELECT FROM billing.difference AS known WHERE known.payment = payment.id AND known.line IS NOT NULL)
        AS is_billed
FROM billing.payment WHERE {payment}
UNION ALL
SELECT refund.id, 'refund', refund.out_refund_no, refund.amount, refund.state = 'succeeded', refund.updated_at,
    EXISTS (SELECT FROM billing.bill_line AS line WHERE line.refund = refund.id)
    OR EXISTS (SELECT FROM billing.difference AS known WHERE known.refund = refund.id AND known.line IS NOT NULL)
FROM billing.refund JOIN billing.payment ON payment.id = refund.payment WHERE {refund}
"""
OURS: Final = _OURS.format(
    payment="payment.channel = $1 AND payment.out_trade_no = ANY ($2)",
    refund="payment.channel = $1 AND refund.out_refund_no = ANY ($3)",
)
EXPECTED: Final = _OURS.format(
    payment="payment.channel = $1 AND payment.state = 'succeeded' AND payment.succeeded_at >= $2"
    " AND payment.succeeded_at < $3"
    " AND NOT EXISTS (SELECT FROM billing.difference AS known"
    " WHERE known.payment = payment.id AND known.item = 'payment')",
    refund="payment.channel = $1 AND refund.state = 'succeeded' AND refund.updated_at >= $2"
    " AND refund.updated_at < $3"
    " AND NOT EXISTS (SELECT FROM billing.difference AS known WHERE known.refund = refund.id)",
)
IS_OURS: Final = """
UPDATE billing.bill_line SET payment = same.payment, refund = same.refund
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS same (line, payment, refund) WHERE id = same.line
"""
PARTS: Final = """
-- What each charge of these payments took, and of these refunds.
SELECT part.payment AS id, part.charge, charge.operator, part.paid AS amount,
    'pay:' || part.payment || ':' || part.charge AS item
FROM billing.payment_charge AS part JOIN billing.charge ON charge.id = part.charge
WHERE part.payment = ANY ($1) AND part.paid > 0
UNION ALL
SELECT refund.id, refund.charge, charge.operator, refund.amount, 'refund:' || refund.id
FROM billing.refund JOIN billing.charge ON charge.id = refund.charge WHERE refund.id = ANY ($1)
ORDER BY 1, 2
"""
KEEP_FEES: Final = """
INSERT INTO billing.bill_fee (line, charge, operator, item, amount)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
ON CONFLICT ON CONSTRAINT bill_fee_key DO NOTHING
"""
FEES_OF: Final = "SELECT id, fee FROM billing.bill_line WHERE id = ANY ($1) AND fee <> 0"
TO_BOOK: Final = """
SELECT id, channel, kind, amount, fee, coalesce(payment, refund) AS ours FROM billing.bill_line
WHERE NOT is_booked AND (channel, day) = ($1, $2) ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
BOOKED: Final = "UPDATE billing.bill_line SET is_booked = true WHERE id = ANY ($1)"
UNBOOKED_DAYS: Final = "SELECT DISTINCT channel, day FROM billing.bill_line WHERE NOT is_booked ORDER BY channel, day"


async def lock_channel(tx: Tx, channel: str) -> None:
    """Until the transaction ends nobody else compares its bills."""
    await tx.fetch(LOCK_CHANNEL, channel)


async def keep(tx: Tx, channel: str, day: date, lines: Sequence[BillLine]) -> int:
    """The bill of `day`; of one that was read before, the lines that are new. How many lines that are."""
    await tx.execute(KEEP_BILL, channel, day, len(lines), tx.now)
    copies: Counter[tuple[str, str, str]] = Counter()
    rows = []
    for line in lines:
        number = line.out_trade_no if line.kind is LineKind.PAYMENT else line.out_refund_no or line.transaction
        said = (line.kind, number, line.transaction)
        rows.append((*said, line.out_trade_no, line.amount, line.fee, line.at, copies[said]))
        copies[said] += 1
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 8
    return await tx.execute(KEEP_LINES, channel, day, *columns)


async def last_read(tx: Tx, channel: str) -> date | None:
    day: date | None = await tx.fetchval(LAST_READ, channel)
    return day


async def first_asked(tx: Tx, channel: str) -> datetime | None:
    """When the first payment was asked of `channel`: no bill before that is of interest."""
    moment: datetime | None = await tx.fetchval(FIRST_ASKED, channel)
    return moment


async def new_lines(tx: Tx, channel: str, day: date) -> list[Line]:
    """Those that were compared with nothing yet."""
    return [
        Line(id=row["id"], kind=LineKind(row["kind"]), number=row["number"], amount=row["amount"])
        for row in await tx.fetch(NEW_LINES, channel, day)
    ]


async def ours(tx: Tx, channel: str, named: Sequence[Named]) -> dict[Named, Ours]:
    """What we have under these numbers, in whatever state."""
    payments = [number for kind, number in named if kind is LineKind.PAYMENT]
    refunds = [number for kind, number in named if kind is LineKind.REFUND]
    found = map(_ours_of, await tx.fetch(OURS, channel, payments, refunds))
    return {one.named: one for one in found}


async def expected(tx: Tx, channel: str, begins: datetime, ends: datetime) -> list[Ours]:
    """What we have done in `[begins, ends)`, and no difference is known of."""
    return [_ours_of(row) for row in await tx.fetch(EXPECTED, channel, begins, ends)]


async def is_ours(tx: Tx, same: Sequence[tuple[int, Ours]]) -> None:
    """These lines are these payments and refunds."""
    payments = [one.id if one.kind is LineKind.PAYMENT else None for _, one in same]
    refunds = [one.id if one.kind is LineKind.REFUND else None for _, one in same]
    await tx.execute(IS_OURS, [line for line, _ in same], payments, refunds)


async def parts(tx: Tx, ids: Sequence[str]) -> list[Row]:
    """Of payments and refunds: `charge`, its `operator`, its `amount`, and the key of its journal (`item`)."""
    return await tx.fetch(PARTS, list(ids))


async def fees_of(tx: Tx, lines: Sequence[int]) -> dict[int, int]:
    """Of lines that have any."""
    return {row["id"]: row["fee"] for row in await tx.fetch(FEES_OF, list(lines))}


async def keep_fees(tx: Tx, fees: Sequence[tuple[int, str, str, str, int]]) -> None:
    """(line, charge, operator, item, fen)."""
    columns = [list(column) for column in zip(*fees, strict=True)] or [[]] * 5
    await tx.execute(KEEP_FEES, *columns)


async def unbooked_days(tx: Tx) -> list[tuple[str, date]]:
    """(channel, day) of bills with lines that are in no ledger."""
    return [(row["channel"], row["day"]) for row in await tx.fetch(UNBOOKED_DAYS)]


async def to_book(tx: Tx, channel: str, day: date, limit: int) -> list[Row]:
    """Locked; not those that somebody else has."""
    return await tx.fetch(TO_BOOK, channel, day, limit)


async def booked(tx: Tx, lines: Sequence[int]) -> None:
    await tx.execute(BOOKED, list(lines))


def _ours_of(row: Row) -> Ours:
    return Ours(
        id=row["id"],
        kind=LineKind(row["kind"]),
        number=row["number"],
        amount=row["amount"],
        is_done=row["is_done"],
        at=row["at"],
        is_billed=row["is_billed"],
    )
