"""What the journals of operators' days come to: of each charge, by car park and channel, and in all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kernel.db import Row, Tx

CHARGES: Final = """
SELECT DISTINCT journal.charge FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
WHERE item.settlement = $1 AND journal.kind IN ('pay', 'refund') AND journal.charge > $2
ORDER BY journal.charge LIMIT $3
"""
SETTLED: Final = """
-- Of each charge, by the journals that some settlement has: what was paid and given back, and whose it is so far.
WITH moved AS (
    SELECT journal.charge, journal.kind, account.kind AS account, entry.amount FROM billing.journal
    JOIN billing.settlement_item AS item ON item.journal = journal.id AND item.settlement IS NOT NULL
    JOIN billing.entry ON entry.journal = journal.id JOIN billing.account ON account.id = entry.account
    WHERE journal.charge = ANY ($1)
)
SELECT charge,
    coalesce(sum(amount) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing'), 0)::bigint AS paid,
    coalesce(-sum(amount) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing'), 0)::bigint AS refunded,
    coalesce(-sum(amount) FILTER (WHERE kind IN ('split', 'refund') AND account = 'operator'), 0)::bigint AS operator,
    coalesce(-sum(amount) FILTER (WHERE account = 'platform'), 0)::bigint AS platform,
    bool_or(kind = 'split') AS is_split
FROM moved GROUP BY charge
"""
_FIGURES: Final = """
WITH moved AS (
    SELECT charge.car_park, coalesce(charge.channel, '') AS channel, journal.id, journal.kind,
        account.kind AS account, entry.amount
    FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
    JOIN billing.charge ON charge.id = journal.charge
    JOIN billing.entry ON entry.journal = journal.id JOIN billing.account ON account.id = entry.account
    WHERE {which} AND journal.kind IN ('pay', 'refund', 'split', 'loss')
), summed AS (
    SELECT car_park, channel,
        count(*) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing') AS payments,
        count(*) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing') AS refunds,
        coalesce(sum(amount) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing'), 0) AS gross,
        coalesce(-sum(amount) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing'), 0) AS refunded,
        coalesce(-sum(amount) FILTER (WHERE kind <> 'loss' AND account = 'operator'), 0) AS operator,
        coalesce(-sum(amount) FILTER (WHERE account = 'platform'), 0) AS platform,
        coalesce(sum(amount) FILTER (WHERE kind = 'loss' AND account = 'operator'), 0) AS losses
    FROM moved GROUP BY car_park, channel
), fee AS (
    SELECT charge.car_park, line.channel, sum(bill_fee.amount) AS fees
    FROM billing.bill_fee JOIN billing.bill_line AS line ON line.id = bill_fee.line
    JOIN billing.charge ON charge.id = bill_fee.charge
    WHERE bill_fee.settlement = {fees_of} GROUP BY charge.car_park, line.channel
)
SELECT coalesce(summed.car_park, fee.car_park) AS car_park, coalesce(summed.channel, fee.channel) AS channel,
    coalesce(payments, 0)::bigint AS payments, coalesce(refunds, 0)::bigint AS refunds,
    coalesce(gross, 0)::bigint AS gross, coalesce(refunded, 0)::bigint AS refunded,
    coalesce(gross - refunded - operator - platform, 0)::bigint AS owners,
    coalesce(platform, 0)::bigint AS platform, coalesce(fees, 0)::bigint AS fees, coalesce(losses, 0)::bigint AS losses
FROM summed FULL JOIN fee ON fee.car_park = summed.car_park AND fee.channel = summed.channel
"""
FIGURES_SO_FAR: Final = (
    _FIGURES.format(which="item.operator = $1 AND item.settlement IS NULL AND item.at < $2", fees_of="NULL")
    + " ORDER BY 1, 2"
)
KEEP_FIGURES: Final = f"""
INSERT INTO billing.settlement_figure AS kept
    (settlement, car_park, channel, payments, refunds, gross, refunded, owners, platform, fees, losses)
SELECT $1, figure.* FROM ({_FIGURES.format(which="item.settlement = $1", fees_of="$1")}) AS figure
ON CONFLICT ON CONSTRAINT settlement_figure_key DO UPDATE SET
    payments = excluded.payments, refunds = excluded.refunds, gross = excluded.gross, refunded = excluded.refunded,
    owners = excluded.owners, platform = excluded.platform, fees = excluded.fees, losses = excluded.losses
"""
FIGURES: Final = """
SELECT settlement, car_park, channel, payments, refunds, gross, refunded, owners, platform, fees, losses, net
FROM billing.settlement_figure WHERE settlement = ANY ($1) ORDER BY settlement, car_park, channel
"""
UNPROVED: Final = """
-- A payment or refund of it that a channel with bills has not confirmed, nor anybody decided.
SELECT FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
LEFT JOIN billing.refund ON refund.id = journal.detail ->> 'refund'
JOIN billing.payment ON payment.id = coalesce(journal.detail ->> 'payment', refund.payment)
WHERE item.settlement = $1 AND journal.kind IN ('pay', 'refund') AND payment.channel = ANY ($2) AND CASE
    WHEN refund.id IS NULL THEN
        EXISTS (SELECT FROM billing.difference AS known
            WHERE known.payment = payment.id AND known.item = 'payment' AND known.state = 'open')
        OR NOT EXISTS (SELECT FROM billing.bill_line AS line WHERE line.payment = payment.id)
        AND NOT EXISTS (SELECT FROM billing.difference AS known
            WHERE known.payment = payment.id AND known.item = 'payment')
    ELSE
        EXISTS (SELECT FROM billing.difference AS known WHERE known.refund = refund.id AND known.state = 'open')
        OR NOT EXISTS (SELECT FROM billing.bill_line AS line WHERE line.refund = refund.id)
        AND NOT EXISTS (SELECT FROM billing.difference AS known WHERE known.refund = refund.id)
    END
LIMIT 1
"""
TAKE_FEES: Final = """
-- Those of its items, and those whose day was reconciled before they were known.
UPDATE billing.bill_fee SET settlement = $1
FROM billing.journal JOIN billing.settlement_item AS item ON item.journal = journal.id
JOIN billing.settlement ON settlement.id = item.settlement
WHERE bill_fee.operator = $2 AND bill_fee.settlement IS NULL AND journal.key = bill_fee.item
    AND (settlement.id = $1 OR settlement.reconciled_at IS NOT NULL)
RETURNING bill_fee.amount
"""
NET: Final = "SELECT coalesce(sum(net), 0)::bigint FROM billing.settlement_figure WHERE settlement = $1"
CARRIED: Final = """
-- What earlier days were short of, and was not taken off later ones yet: less than nothing, or nothing.
SELECT coalesce(sum(figure.net), 0)::bigint - (
        SELECT coalesce(sum(paid), 0)::bigint FROM billing.settlement WHERE operator = $1 AND state = 'paid_out')
FROM billing.settlement JOIN billing.settlement_figure AS figure ON figure.settlement = settlement.id
WHERE settlement.operator = $1 AND settlement.state = 'paid_out'
"""


async def charges_of(tx: Tx, settlement: str, *, after: str, limit: int) -> list[str]:
    """Charges that were paid or given back in it, by id."""
    return [row["charge"] for row in await tx.fetch(CHARGES, settlement, after, limit)]


async def settled(tx: Tx, charges: Sequence[str]) -> dict[str, Row]:
    """By charge: `paid`, `refunded`, and what of it is the `operator`'s and the `platform`'s; `is_split`."""
    return {row["charge"]: row for row in await tx.fetch(SETTLED, list(charges))}


async def figures_so_far(tx: Tx, operator: str, ends: datetime) -> list[Row]:
    """Of a day that is open: nothing is split yet."""
    return await tx.fetch(FIGURES_SO_FAR, operator, ends)


async def keep_figures(tx: Tx, settlement: str) -> None:
    """By its journals and the fees that it has taken, in place of what was kept."""
    await tx.execute(KEEP_FIGURES, settlement)


async def figures(tx: Tx, settlements: Sequence[str]) -> list[Row]:
    """As they were kept, by car park and channel."""
    return await tx.fetch(FIGURES, list(settlements))


async def is_unproved(tx: Tx, settlement: str, channels: Sequence[str]) -> bool:
    """Whether something of it waits for a bill of `channels`, or for somebody's decision."""
    return bool(await tx.fetch(UNPROVED, settlement, list(channels)))


async def take_fees(tx: Tx, settlement: str, operator: str) -> int:
    """Fen that the channels have kept of what it settles, each fee in one settlement."""
    return sum(row["amount"] for row in await tx.fetch(TAKE_FEES, settlement, operator))


async def net(tx: Tx, settlement: str) -> int:
    """Fen that are the operator's by it."""
    return int(await tx.fetchval(NET, settlement))


async def carried(tx: Tx, operator: str) -> int:
    """Fen, at most 0."""
    return int(await tx.fetchval(CARRIED, operator))
