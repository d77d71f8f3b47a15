"""Where ours and the channels' bills differ."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from billing.channels.protocol import LineKind
from billing.matching import Differs, Kind, Way
from kernel.db import Row, Tx

INSERT: Final = """
-- Of a refund that we do not know, the payment is still ours.
WITH about AS (
    SELECT coalesce($8, (
        SELECT payment.id FROM billing.bill_line AS line
        JOIN billing.payment ON payment.out_trade_no = line.out_trade_no AND payment.channel = line.channel
        WHERE line.id = $7 AND line.kind = 'refund' AND $9::text IS NULL)) AS payment
)
INSERT INTO billing.difference
    (id, channel, day, kind, item, number, line, payment, refund, ours, theirs, operators, state, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, about.payment, $9, $10, $11, ARRAY(
        SELECT DISTINCT charge.operator FROM billing.charge WHERE charge.id IN (
            SELECT part.charge FROM billing.payment_charge AS part WHERE part.payment = about.payment
            UNION ALL SELECT refund.charge FROM billing.refund WHERE refund.id = $9)
        ORDER BY charge.operator
    ), 'open', $12
FROM about
ON CONFLICT DO NOTHING
"""
TO_LOOK_AT: Final = """
-- Open, and not too much or twice: what may have come right by itself.
SELECT difference.*, line.transaction, line.at AS line_at, coalesce(difference.payment, refund.payment) AS of_payment,
    (SELECT found.day FROM billing.bill_line AS found
        WHERE found.payment = difference.payment AND difference.item = 'payment'
            OR found.refund = difference.refund LIMIT 1) AS billed_on,
    EXISTS (SELECT FROM billing.bill WHERE bill.channel = difference.channel AND bill.day = difference.day + 1)
        AS is_next_read
FROM billing.difference LEFT JOIN billing.bill_line AS line ON line.id = difference.line
LEFT JOIN billing.refund ON refund.id = difference.refund
WHERE difference.state = 'open' AND difference.kind NOT IN ('amount', 'doubled') AND difference.id > $1
ORDER BY difference.id LIMIT $2 FOR UPDATE OF difference SKIP LOCKED
"""
LOCK: Final = """
SELECT * FROM billing.difference
WHERE id = $1 AND ($2::text[] IS NULL OR operators <> '{}' AND operators <@ $2) FOR UPDATE
"""
BECAME: Final = """
UPDATE billing.difference SET version = version + 1, kind = $2, ours = $3, payment = $4, refund = $5,
    operators = ARRAY(
        SELECT DISTINCT charge.operator FROM billing.charge WHERE charge.id IN (
            SELECT part.charge FROM billing.payment_charge AS part WHERE part.payment = $4
            UNION ALL SELECT refund.charge FROM billing.refund WHERE refund.id = $5)
        ORDER BY charge.operator)
WHERE id = $1
"""
RESOLVE: Final = """
UPDATE billing.difference
SET version = version + 1, state = 'resolved', kind = coalesce($6, kind), way = $2, reason = $3, actor = $4,
    resolved_at = $5
WHERE id = $1 RETURNING *
"""
ASKED: Final = "UPDATE billing.difference SET version = version + 1, asked_at = $2 WHERE id = $1 RETURNING *"
OF_SETTLEMENT: Final = """
SELECT difference.* FROM billing.difference WHERE difference.id IN (
    SELECT known.id FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
    JOIN billing.difference AS known ON known.item = 'payment' AND known.payment = journal.detail ->> 'payment'
    WHERE item.settlement = $1 AND journal.kind = 'pay'
    UNION
    SELECT known.id FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
    JOIN billing.difference AS known ON known.refund = journal.detail ->> 'refund'
    WHERE item.settlement = $1 AND journal.kind = 'refund')
    AND ($2::text IS NULL OR difference.state = $2) AND difference.id > $3
ORDER BY difference.id LIMIT $4
"""
PAGE: Final = """
SELECT * FROM billing.difference
WHERE ($1::text[] IS NULL OR operators && $1) AND ($2::text IS NULL OR operators @> ARRAY[$2])
    AND ($3::text IS NULL OR state = $3) AND ($4::date IS NULL OR day >= $4) AND ($5::date IS NULL OR day < $5)
    AND ($6::text IS NULL OR id < $6)
ORDER BY id DESC LIMIT $7
"""
COUNTS: Final = """
SELECT kind, count(*)::integer AS count FROM billing.difference WHERE state = 'open' GROUP BY kind
"""


async def insert(tx: Tx, difference: str, channel: str, day: date, differs: Differs) -> bool:
    """False when it was found before."""
    ours = differs.ours
    return bool(
        await tx.execute(
            INSERT,
            difference,
            channel,
            day,
            differs.kind,
            differs.item,
            differs.number,
            differs.line and differs.line.id,
            ours.id if ours is not None and ours.kind is LineKind.PAYMENT else None,
            ours.id if ours is not None and ours.kind is LineKind.REFUND else None,
            differs.our_amount,
            differs.line and differs.line.amount,
            tx.now,
        )
    )


async def to_look_at(tx: Tx, *, after: str, limit: int) -> list[Row]:
    """Locked. `billed_on`: the day of the bill that has it by now; `is_next_read`: the next day's bill was read."""
    return await tx.fetch(TO_LOOK_AT, after, limit)


async def lock(tx: Tx, difference: str, operators: Sequence[str] | None) -> Row | None:
    """If it concerns `operators` (None: anybody) and nobody else."""
    return await tx.fetchrow(LOCK, difference, operators)


async def became(
    tx: Tx, difference: str, kind: Kind, *, ours: int | None, payment: str | None, refund: str | None
) -> None:
    """It is of another kind by now."""
    await tx.execute(BECAME, difference, kind, ours, payment, refund)


async def resolve(tx: Tx, difference: str, way: Way, *, reason: str, actor: str, kind: Kind | None = None) -> Row:
    """It is over."""
    (row,) = await tx.fetch(RESOLVE, difference, way, reason, actor, tx.now, kind)
    return row


async def asked(tx: Tx, difference: str) -> Row:
    """The channel is asked again."""
    (row,) = await tx.fetch(ASKED, difference, tx.now)
    return row


async def of_settlement(tx: Tx, settlement: str, *, state: str | None, after: str, limit: int) -> list[Row]:
    """Of what it settles."""
    return await tx.fetch(OF_SETTLEMENT, settlement, state, after, limit)


async def page(
    tx: Tx,
    operators: Sequence[str] | None,
    *,
    operator: str | None,
    state: str | None,
    since: date | None,
    until: date | None,
    below: str | None,
    limit: int,
) -> list[Row]:
    """Newest first; `operators` None: also those that concern nobody but the city."""
    return await tx.fetch(PAGE, operators, operator, state, since, until, below, limit)


async def open_counts(tx: Tx) -> dict[str, int]:
    """By kind."""
    return {row["kind"]: row["count"] for row in await tx.fetch(COUNTS)}
