"""Versions of tariffs: which one is in force for an entry, their history, and past stays to try one on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Row, Tx

VERSION_AT: Final = """
    SELECT id, number FROM billing.tariff
    WHERE car_park = $1 AND zone = $2 AND withdrawn_at IS NULL
        AND valid_from <= $3 AND (valid_until IS NULL OR $3 < valid_until)
    ORDER BY valid_from DESC, number DESC LIMIT 1
"""
"""The one that began last. One with an end goes before those without while it lasts: afterwards they are as before."""


async def version_at(tx: Tx, car_park: str, zone: str, entry: datetime) -> Row | None:
    """`id` and `number` of what stays that begin at `entry` cost; None: no tariff was in force.

    `zone` "" is the car park's; a nested zone has its own or none, whose time is then the car park's.
    """
    return await tx.fetchrow(VERSION_AT, car_park, zone, entry)


async def document(tx: Tx, tariff: str) -> dict[str, Any] | None:
    """What the version says."""
    found: dict[str, Any] | None = await tx.fetchval("SELECT document FROM billing.tariff WHERE id = $1", tariff)
    return found


COLUMNS: Final = """
    tariff.id, tariff.car_park, tariff.zone, tariff.number, tariff.valid_from, tariff.valid_until, tariff.created_at,
    tariff.created_by, tariff.withdrawn_at, tariff.document
"""

OWN_CAR_PARK: Final = """
    SELECT card.id, card.operator, card.time_zone,
        $3 = '' OR EXISTS (
            SELECT FROM registry.zone_directory AS zone WHERE (zone.car_park, zone.label) = (card.id, $3)
        ) AS has_zone
    FROM registry.car_park_card AS card
    WHERE card.id = $1 AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""


async def own_car_park(tx: Tx, car_park: str, caller: Caller, zone: str = "") -> Row | None:
    """The car park, if `caller` may manage it, and whether it has that zone."""
    return await tx.fetchrow(OWN_CAR_PARK, car_park, caller.covered, zone)


INSERT: Final = f"""
    -- The next number; who was faster with it leaves the other one refused.
    INSERT INTO billing.tariff (id, car_park, zone, number, document, valid_from, valid_until, created_at, created_by)
    SELECT $1, $2, $3, 1 + coalesce(max(number), 0), $4, $5, $6, $7, $8
    FROM billing.tariff WHERE car_park = $2 AND zone = $3
    RETURNING {COLUMNS}
"""


async def insert(
    tx: Tx,
    tariff: str,
    car_park: str,
    zone: str,
    *,
    document: dict[str, Any],
    valid_from: datetime,
    valid_until: datetime | None,
    actor: str,
) -> Row:
    """The version, with the next number of its car park and zone."""
    (row,) = await tx.fetch(INSERT, tariff, car_park, zone, document, valid_from, valid_until, tx.now, actor)
    return row


IS_FIRST: Final = """
    SELECT NOT EXISTS (
        SELECT FROM billing.tariff WHERE car_park = $1 AND zone = $2 AND withdrawn_at IS NULL AND valid_from <= $3
    )
"""


async def is_first(tx: Tx, car_park: str, zone: str) -> bool:
    """Whether no version has been in force there yet."""
    return bool(await tx.fetchval(IS_FIRST, car_park, zone, tx.now))


WITHDRAW: Final = """
    UPDATE billing.tariff SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL AND valid_from > $2
"""


async def withdraw(tx: Tx, tariff: str) -> bool:
    """Whether it was still to come: it never is in force then."""
    return await tx.execute(WITHDRAW, tariff, tx.now) > 0


ONE: Final = f"""
    SELECT {COLUMNS}, tariff.id = (
        SELECT other.id FROM billing.tariff AS other
        WHERE other.car_park = tariff.car_park AND other.zone = tariff.zone AND other.withdrawn_at IS NULL
            AND other.valid_from <= $2 AND (other.valid_until IS NULL OR $2 < other.valid_until)
        ORDER BY other.valid_from DESC, other.number DESC LIMIT 1
    ) AS in_force
    FROM billing.tariff
    WHERE tariff.id = $1
"""


async def one(tx: Tx, tariff: str) -> Row | None:
    """The version, and whether it is what an entry costs now."""
    return await tx.fetchrow(ONE, tariff, tx.now)


PAGE: Final = f"""
    WITH in_force AS (
        SELECT DISTINCT ON (zone) zone, id FROM billing.tariff
        WHERE car_park = $1 AND withdrawn_at IS NULL
            AND valid_from <= $2 AND (valid_until IS NULL OR $2 < valid_until)
        ORDER BY zone, valid_from DESC, number DESC
    )
    SELECT {COLUMNS}, tariff.id IN (SELECT id FROM in_force) AS in_force
    FROM billing.tariff
    WHERE car_park = $1 AND ($3::text IS NULL OR zone = $3)
        AND ($4::text IS NULL OR zone > $4 OR (zone = $4 AND number < $5))
    ORDER BY zone, number DESC LIMIT $6
"""


async def page(
    tx: Tx, car_park: str, *, zone: str | None, after: tuple[str | None, int | None], limit: int
) -> list[Row]:
    """All versions that ever were made there: by zone, the last one made first; `after` the key (zone, number)."""
    return await tx.fetch(PAGE, car_park, tx.now, zone, *after, limit)


PAST: Final = """
    -- Not what something else was billed for: a promise, or the stay around it.
    SELECT session.id, session.plate, session.color, session.ticket, session.class, session.entry_at, session.exit_at,
        session.amount, coalesce((session.fee ->> 'apart_s')::integer, 0) AS apart_s
    FROM billing.session
    WHERE session.car_park = $1 AND session.zone = $2 AND session.state IN ('rated', 'closed')
        AND session.exit_at >= $3 AND session.exit_at < $4
        AND session.reservation IS NULL AND NOT session.fee ? 'billed_by'
    ORDER BY session.id DESC LIMIT $5
"""


async def past_stays(
    tx: Tx, car_park: CarParkId, zone: str, during: tuple[datetime, datetime], *, limit: int
) -> Sequence[Row]:
    """Stays that ended in that time and were charged, the last ones."""
    return await tx.fetch(PAST, car_park, zone, *during, limit)


SHOWN: Final = """
    SELECT used.session, permit.concession, permit.valid_from,
        least(permit.valid_until, permit.ended_at) AS valid_until, NULL::integer AS minutes, NULL::bigint AS amount
    FROM billing.permit_use AS used JOIN billing.permit ON permit.id = used.permit WHERE used.session = ANY ($1)
    UNION ALL
    SELECT used.session, coupon.concession, NULL, NULL, coupon.minutes, coupon.amount
    FROM billing.coupon_use AS used JOIN billing.coupon ON coupon.id = used.coupon
    WHERE used.session = ANY ($1) AND used.is_spent
"""


async def shown_for(tx: Tx, sessions: Sequence[str]) -> list[Row]:
    """What was used for these stays: permits and coupons, as the engine takes them."""
    return await tx.fetch(SHOWN, list(sessions))


KNOWN_CAR_PARK: Final = "SELECT id, time_zone FROM registry.car_park_card WHERE id = $1"


async def known_car_park(tx: Tx, car_park: str) -> Row | None:
    """Anybody's."""
    return await tx.fetchrow(KNOWN_CAR_PARK, car_park)


_COPIED: Final = ("id", "car_park", "zone", "number", "document", "valid_from", "created_at", "created_by")


async def copy(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many first versions at once: values of the columns above, in that order."""
    await tx.copy_records("tariff", schema="billing", columns=_COPIED, records=rows)


UNTOLD: Final = """
    WITH in_force AS (
        SELECT DISTINCT ON (car_park) car_park, id FROM billing.tariff
        WHERE zone = '' AND withdrawn_at IS NULL AND valid_from <= $1 AND (valid_until IS NULL OR $1 < valid_until)
        ORDER BY car_park, valid_from DESC, number DESC
    )
    SELECT car_park, in_force.id AS tariff
    FROM in_force FULL JOIN billing.tariff_told AS told USING (car_park)
    WHERE in_force.id IS DISTINCT FROM told.tariff
    ORDER BY car_park LIMIT $2
"""


async def untold(tx: Tx, *, limit: int) -> list[Row]:
    """Car parks of which another version is in force than the one told, or none any more (`tariff` NULL)."""
    return await tx.fetch(UNTOLD, tx.now, limit)


TOLD: Final = """
    INSERT INTO billing.tariff_told (car_park, tariff) SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (car_park) DO UPDATE SET tariff = excluded.tariff
"""


async def note_told(tx: Tx, told: Sequence[tuple[str, str | None]]) -> None:
    """Of each car park which version is told, or that there is none."""
    await tx.execute(TOLD, [car_park for car_park, _ in told], [tariff for _, tariff in told])
