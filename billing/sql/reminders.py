"""Charges that are to be reminded of, or given up; what somebody else is just moving is passed over."""

from typing import Final

from kernel.db import Row, Tx

DUE: Final = """
    -- With the policies of city and car park, and an objection that was made while a channel was collecting it. What a
    -- channel has advanced is paid to us, and asked for by the channel.
    WITH passed AS (
        SELECT * FROM billing.charge
        WHERE remind_at <= $1 AND state IN ('due', 'overdue', 'adjusted') AND NOT is_advanced
        ORDER BY remind_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT passed.*, city.policy AS city_policy, own.policy AS own_policy, objection.driver AS objector,
        objection.reason AS objection
    FROM passed
    LEFT JOIN billing.dispute AS objection ON objection.charge = passed.id AND objection.state = 'open'
    LEFT JOIN billing.policy AS city ON city.car_park = ''
    LEFT JOIN billing.policy AS own ON own.car_park = passed.car_park
    ORDER BY passed.id
"""


async def due(tx: Tx, limit: int) -> list[Row]:
    """Locked, the longest passed first."""
    return await tx.fetch(DUE, tx.now, limit)


LATER: Final = "UPDATE billing.charge SET remind_at = $2 WHERE id = $1"


async def look_later(tx: Tx, row: Row, remind_at: object) -> None:
    """Nothing is to be said of it yet: its policy has changed meanwhile."""
    await tx.execute(LATER, row["id"], remind_at)
