"""Which permits and coupons a stay may show, how often each was used, and for which stays it was."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from kernel.db import Row, Tx

_NAMED_BY_TARIFF: Final = """
    EXISTS (
        SELECT FROM billing.tariff, jsonb_array_elements(tariff.document -> 'concessions') AS named
        WHERE tariff.id = $4 AND named ->> 'id' = held.concession
    )
"""
"""Of the version that prices the stay: whoever holds what it does not know holds nothing there."""

PERMITS: Final = f"""
    SELECT held.id, held.concession, held.spaces, held.uses_max, held.valid_from, held.car_parks,
        least(held.valid_until, held.ended_at) AS valid_until
    FROM billing.permit AS held
    WHERE held.id IN (
            SELECT permit FROM billing.permit_vehicle AS vehicle
            WHERE vehicle.plate = $1 AND ($2::text IS NULL OR vehicle.color = $2)
        )
        AND $3 = ANY (held.car_parks) AND held.valid_from < $6
        AND coalesce(least(held.valid_until, held.ended_at), 'infinity') > $5 AND {_NAMED_BY_TARIFF}
    ORDER BY held.id
"""


async def permits(tx: Tx, session: Row, until: datetime) -> list[Row]:
    """Of the vehicle, that hold at some time of the stay."""
    return await tx.fetch(PERMITS, *_stay(session), session["entry_at"], until)


COUPONS: Final = f"""
    WITH RECURSIVE before (id) AS (
        SELECT $7::text UNION
        SELECT session.supersedes FROM billing.session JOIN before ON session.id = before.id
        WHERE session.supersedes IS NOT NULL
    ), shown AS (
        SELECT coupon FROM billing.coupon_use JOIN before ON coupon_use.session = before.id
    )
    SELECT held.id, held.concession, held.minutes, held.amount, held.uses_max
    FROM billing.coupon AS held
    WHERE held.id IN (
            SELECT coupon FROM shown
            UNION ALL
            SELECT id FROM billing.coupon
            WHERE coupon.plate = $1 AND ($2::text IS NULL OR coupon.color = $2)
                AND coupon.valid_from <= $6 AND least(coupon.valid_until, coupon.ended_at) > $5
        )
        AND $3 = ANY (held.car_parks) AND {_NAMED_BY_TARIFF}
    ORDER BY held.id
"""


async def coupons(tx: Tx, session: Row, until: datetime) -> list[Row]:
    """Put on the stay, or on one that it supersedes, and those that are for its vehicle."""
    return await tx.fetch(COUPONS, *_stay(session), session["entry_at"], until, session["id"])


def _stay(session: Row) -> tuple[str | None, str | None, str, str | None]:
    return session["plate"], session["color"], session["car_park"], session["tariff"]


LOCK_PERMITS: Final = "SELECT FROM billing.permit WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"
LOCK_COUPONS: Final = "SELECT FROM billing.coupon WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"


async def lock_permits(tx: Tx, permits: Collection[str]) -> None:
    """Nobody else uses them until the transaction ends."""
    await tx.execute(LOCK_PERMITS, list(permits))


async def lock_coupons(tx: Tx, coupons: Collection[str]) -> None:
    """The same of coupons."""
    await tx.execute(LOCK_COUPONS, list(coupons))


PERMIT_USES: Final = """
    SELECT used.permit AS id, count(*) AS uses
    FROM billing.permit_use AS used JOIN billing.session ON session.id = used.session
    WHERE used.permit = ANY ($1) AND used.session <> ALL ($2) AND session.state NOT IN ('corrected', 'voided')
    GROUP BY used.permit
"""
COUPON_USES: Final = """
    SELECT used.coupon AS id, count(*) AS uses
    FROM billing.coupon_use AS used JOIN billing.session ON session.id = used.session
    WHERE used.coupon = ANY ($1) AND used.session <> ALL ($2) AND used.is_spent
        AND session.state NOT IN ('corrected', 'voided')
    GROUP BY used.coupon
"""


async def uses_of_permits(tx: Tx, permits: Collection[str], *, but: Sequence[str]) -> dict[str, int]:
    """Of each, for how many other stays it was used."""
    return {row["id"]: row["uses"] for row in await tx.fetch(PERMIT_USES, list(permits), but)}


async def uses_of_coupons(tx: Tx, coupons: Collection[str], *, but: Sequence[str]) -> dict[str, int]:
    """The same of coupons."""
    return {row["id"]: row["uses"] for row in await tx.fetch(COUPON_USES, list(coupons), but)}


OTHERS_INSIDE: Final = """
    SELECT session.plate, session.color, session.entry_at, session.exit_at
    FROM billing.permit_vehicle AS vehicle
    JOIN billing.session ON session.plate = vehicle.plate AND session.color IS NOT DISTINCT FROM vehicle.color
    WHERE vehicle.permit = $1 AND session.car_park = ANY ($2) AND session.parent IS NULL
        AND session.state IN ('open', 'exited', 'rated', 'closed')
        AND session.entry_at > $3::timestamptz - interval '31 days' AND session.entry_at <= $3 AND session.id <> $4
    ORDER BY session.entry_at, session.id
"""


async def others_inside(tx: Tx, permit: Row, session: Row) -> list[Row]:
    """Stays of the permit's vehicles that began before this one, at most a month, the first first."""
    return await tx.fetch(OTHERS_INSIDE, permit["id"], permit["car_parks"], session["entry_at"], session["id"])


MARK_PERMITS: Final = """
    WITH gone AS (
        DELETE FROM billing.permit_use WHERE session = $1 AND permit <> ALL ($2)
    )
    INSERT INTO billing.permit_use (permit, session, at)
    SELECT permit, $1, $3 FROM unnest($2::text[]) AS wanted (permit)
    ON CONFLICT DO NOTHING
"""
MARK_COUPONS: Final = """
    WITH back AS (
        UPDATE billing.coupon_use SET is_spent = false WHERE session = $1 AND coupon <> ALL ($2) AND is_spent
    )
    INSERT INTO billing.coupon_use (coupon, session, at, actor)
    SELECT coupon, $1, $3, 'billing' FROM unnest($2::text[]) AS wanted (coupon)
    ON CONFLICT (coupon, session) DO UPDATE SET is_spent = true
"""


async def mark_permits(tx: Tx, session: str, used: Sequence[str]) -> None:
    """These and no others were used for the stay."""
    await tx.execute(MARK_PERMITS, session, list(used), tx.now)


async def mark_coupons(tx: Tx, session: str, used: Sequence[str]) -> None:
    """The same; what was put on the stay and was not needed is there for another one."""
    await tx.execute(MARK_COUPONS, session, list(used), tx.now)
