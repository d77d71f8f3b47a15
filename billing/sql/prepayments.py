"""Stays that go on and are to be paid before the exit."""

from datetime import datetime, timedelta
from typing import Final

from kernel.db import Row, Tx

INSIDE: Final = """
    -- What has been paid for it in all its versions; time in zones that have prices of their own; whether a promise was
    -- taken up. Nested zones are paid with the stay around them.
    SELECT session.*, paid.amount AS paid, paid.at AS paid_at, apart.length AS apart,
        EXISTS (
            SELECT FROM reservation.guest
            WHERE guest.car_park = session.car_park AND guest.plate = session.plate
                AND guest.color = coalesce(session.color, guest.color)
                AND guest.checked_in_at >= session.entry_at
        ) AS is_guest
    FROM billing.session
    CROSS JOIN LATERAL (
        WITH RECURSIVE before (id) AS (
            SELECT session.id UNION
            SELECT older.supersedes FROM billing.session AS older JOIN before ON older.id = before.id
            WHERE older.supersedes IS NOT NULL
        )
        SELECT coalesce(sum(charge.paid - charge.refunded), 0)::bigint AS amount,
            max((SELECT max(event.at) FROM billing.charge_event AS event
                 WHERE event.charge = charge.id AND event.kind = 'paid')) AS at
        FROM billing.charge WHERE charge.session IN (SELECT id FROM before)
    ) AS paid
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(least(coalesce(inside.exit_at, $5), $5) - greatest(inside.entry_at, session.entry_at)),
            interval '0') AS length
        FROM billing.session AS inside
        WHERE inside.parent = session.id AND inside.tariff IS NOT NULL
            AND inside.state IN ('open', 'exited', 'rated', 'closed') AND inside.entry_at < $5
    ) AS apart
    WHERE session.state = 'open' AND session.zone = '' AND {which}
    ORDER BY session.entry_at DESC LIMIT 1
    FOR NO KEY UPDATE OF session
"""
OF_VEHICLE: Final = INSIDE.format(
    which="""session.car_park = $1 AND session.plate = $2 AND (session.color = $3 OR session.color IS NULL)
        AND ($4::timestamptz IS NULL OR session.entry_at BETWEEN $4 AND $6)"""
)
OF_TICKET: Final = INSIDE.format(
    which="""session.car_park = $1 AND session.ticket = $2 AND $3::text IS NULL AND $4::timestamptz IS NULL
        AND $6::timestamptz IS NULL"""
)
OF_DRIVER: Final = INSIDE.format(
    which="""session.id = $1 AND session.driver = $2 AND $3::text IS NULL AND $4::timestamptz IS NULL
        AND $6::timestamptz IS NULL"""
)


async def of_vehicle(
    tx: Tx, car_park: str, plate: str, color: str, *, entered_at: datetime | None, within: timedelta
) -> Row | None:
    """The stay of the vehicle, locked; `entered_at` (None: nobody has to know it) `within` which it began."""
    since, until = (None, None) if entered_at is None else (entered_at - within, entered_at + within)
    return await tx.fetchrow(OF_VEHICLE, car_park, plate, color, since, tx.now, until)


async def of_ticket(tx: Tx, car_park: str, ticket: str) -> Row | None:
    """The stay of the ticket, locked."""
    return await tx.fetchrow(OF_TICKET, car_park, ticket, None, None, tx.now, None)


async def of_driver(tx: Tx, session: str, driver: str) -> Row | None:
    """The driver's own stay, locked."""
    return await tx.fetchrow(OF_DRIVER, session, driver, None, None, tx.now, None)


QUOTED: Final = """
    SELECT * FROM billing.charge
    WHERE session = $1 AND state = 'quoted' AND amount = $2 AND good_until > $3 ORDER BY id DESC LIMIT 1
"""


async def quoted(tx: Tx, session: str, amount: int) -> Row | None:
    """A price of this amount that was asked for before, and is good."""
    return await tx.fetchrow(QUOTED, session, amount, tx.now)
