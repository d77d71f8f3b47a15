"""What settlements and owners' months are made of, charge by charge."""

from datetime import datetime
from typing import Final

from kernel.db import Row, Tx

ITEMS: Final = """
WITH moved AS (
    SELECT journal.charge, journal.kind, account.kind AS account, entry.amount
    FROM billing.settlement_item AS item JOIN billing.journal ON journal.id = item.journal
    JOIN billing.entry ON entry.journal = journal.id JOIN billing.account ON account.id = entry.account
    WHERE item.settlement = $1 AND journal.charge IS NOT NULL AND journal.kind IN ('pay', 'refund', 'split', 'loss')
), summed AS (
    SELECT charge,
        count(*) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing') AS payments,
        count(*) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing') AS refunds,
        coalesce(sum(amount) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing'), 0) AS gross,
        coalesce(-sum(amount) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing'), 0) AS refunded,
        coalesce(-sum(amount) FILTER (WHERE kind <> 'loss' AND account = 'operator'), 0) AS operator,
        coalesce(-sum(amount) FILTER (WHERE account = 'platform'), 0) AS platform,
        coalesce(sum(amount) FILTER (WHERE kind = 'loss' AND account = 'operator'), 0) AS losses
    FROM moved GROUP BY charge
), fee AS (
    SELECT charge, sum(amount) AS fees FROM billing.bill_fee WHERE settlement = $1 GROUP BY charge
), both_of AS (
    SELECT coalesce(summed.charge, fee.charge) AS charge,
        coalesce(payments, 0)::bigint AS payments, coalesce(refunds, 0)::bigint AS refunds,
        coalesce(gross, 0)::bigint AS gross, coalesce(refunded, 0)::bigint AS refunded,
        coalesce(gross - refunded - operator - platform, 0)::bigint AS owners,
        coalesce(platform, 0)::bigint AS platform, coalesce(fees, 0)::bigint AS fees,
        coalesce(losses, 0)::bigint AS losses
    FROM summed FULL JOIN fee ON fee.charge = summed.charge
)
SELECT both_of.*, charge.kind, charge.car_park, coalesce(charge.plate, charge.ticket) AS vehicle,
    charge.begins, charge.ends, coalesce(charge.channel, '') AS channel
FROM both_of JOIN billing.charge ON charge.id = both_of.charge ORDER BY charge.ends, charge.id
"""
OF_OWNER: Final = """
SELECT charge.id, charge.kind, charge.car_park, charge.begins, charge.ends, charge.state, charge.amount, charge.paid,
    charge.refunded, charge.owner_share_bp, charge.platform_share_bp, part.due_at, part.released_at
FROM billing.charge LEFT JOIN billing.owner_part AS part ON part.charge = charge.id
WHERE charge.owner = $1 AND charge.owner_share_bp > 0 AND charge.ends >= $2 AND charge.ends < $3
    AND charge.state NOT IN ('quoted', 'void')
ORDER BY charge.ends, charge.id
"""


async def items(tx: Tx, settlement: str) -> list[Row]:
    """Of each charge what it moved in the settlement, fen."""
    return await tx.fetch(ITEMS, settlement)


async def of_owner(tx: Tx, owner: str, begins: datetime, ends: datetime) -> list[Row]:
    """Charges for the owner's spaces whose time ended in `[begins, ends)`."""
    return await tx.fetch(OF_OWNER, owner, begins, ends)
