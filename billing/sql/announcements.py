"""What a channel is told about a stay, and what it calls its entry."""

from datetime import datetime
from typing import Final

from kernel.db import Row, Tx

STAY: Final = """
-- A stay as a channel hears of it.
SELECT session.id, session.plate, session.color, session.ticket, session.car_park, session.entry_at, session.exit_at,
    session.at_exit ->> 'lane' AS lane, coalesce(card.name_zh, session.car_park) AS car_park_name
FROM billing.session LEFT JOIN registry.car_park_card AS card ON card.id = session.car_park
WHERE session.id = $1
"""
NAME: Final = "SELECT name_zh FROM registry.car_park_card WHERE id = $1"
KNOWN: Final = "SELECT parking_id, plate_state FROM billing.announcement WHERE (session, channel) = ($1, $2)"
KEEP: Final = """
INSERT INTO billing.announcement (session, channel, parking_id, plate_state, told_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (session, channel) DO UPDATE
SET parking_id = coalesce(excluded.parking_id, announcement.parking_id), plate_state = excluded.plate_state,
    told_at = excluded.told_at
"""
FOLLOW: Final = """
-- An agreement is as good as the channel's last word of the vehicle; words come in any order. One that is pending waits
-- for the channel's word of its driver.
UPDATE billing.agreement
SET state = $4, told_at = $6, updated_at = $5, version = version + (state <> $4)::integer
WHERE (plate, color, channel) = ($1, $2, $3) AND state NOT IN ('pending', 'ended')
    AND (told_at IS NULL OR told_at < $6)
RETURNING id
"""


async def stay(tx: Tx, session: str) -> Row | None:
    """With the car park's name."""
    return await tx.fetchrow(STAY, session)


async def car_park_name(tx: Tx, car_park: str) -> str:
    return str(await tx.fetchval(NAME, car_park) or car_park)


async def known(tx: Tx, session: str, channel: str) -> Row | None:
    """`parking_id` and `plate_state`, if the channel was told."""
    return await tx.fetchrow(KNOWN, session, channel)


async def keep(tx: Tx, session: str, channel: str, *, parking_id: str | None, plate_state: str) -> None:
    await tx.execute(KEEP, session, channel, parking_id, plate_state, tx.now)


async def follow(tx: Tx, plate: str, color: str, *, channel: str, state: str, at: datetime) -> str | None:
    """The agreement of which it was news."""
    agreement: str | None = await tx.fetchval(FOLLOW, plate, color, channel, state, tx.now, at)
    return agreement
