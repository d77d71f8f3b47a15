"""Listings: one statement a step; whoever changes one holds its row."""

from collections.abc import Sequence
from datetime import datetime

from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.listing import Lent

COLUMNS = """
listing.id, listing.version, listing.owner, listing.car_park, listing.space, space.label AS space_label, listing.state,
listing.windows, listing.exceptions, listing.price_per_hour, listing.owner_share_bp, listing.platform_share_bp,
listing.notice_s, listing.proof, listing.created_at, listing.decided_at, listing.decided_by, listing.decision_reason,
listing.updated_at, listing.laid_until, listing.laid_zone, listing.released_at, card.operator, card.time_zone
"""
_JOINED = """
LEFT JOIN registry.space_directory AS space ON space.number = listing.space
LEFT JOIN registry.car_park_card AS card ON card.id = listing.car_park
"""
FROM = f"FROM reservation.listing AS listing {_JOINED}"

INSERT = f"""
WITH listing AS (
    INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, exceptions, price_per_hour,
        owner_share_bp, platform_share_bp, notice_s, proof, created_at, updated_at)
    VALUES ($1, $2, $3, $4, 'proposed', $5, $6, $7, $8, $9, $10, $11, $12, $12)
    RETURNING *
)
SELECT {COLUMNS} FROM listing {_JOINED}
"""

READ = f"SELECT {COLUMNS} {FROM} WHERE listing.id = $1 AND ($2::text IS NULL OR listing.owner = $2)"

LOCK = f"{READ} FOR NO KEY UPDATE OF listing"

OPERATORS = f"""
SELECT {COLUMNS} {FROM}
WHERE listing.id = $1 AND card.id IS NOT NULL AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""

LOCK_OPERATORS = f"{OPERATORS} FOR NO KEY UPDATE OF listing"

CHANGE = f"""
WITH listing AS (
    UPDATE reservation.listing SET version = version + 1, windows = $2, exceptions = $3, price_per_hour = $4,
        owner_share_bp = $5, notice_s = $6, proof = $7, state = $8, updated_at = $9
    WHERE id = $1 RETURNING *
)
SELECT {COLUMNS} FROM listing {_JOINED}
"""

DECIDE = f"""
WITH listing AS (
    UPDATE reservation.listing SET version = version + 1, state = $2, decided_at = $3, decided_by = $4,
        decision_reason = $5, updated_at = $3, released_at = $6
    WHERE id = $1 RETURNING *
)
SELECT {COLUMNS} FROM listing {_JOINED}
"""

REVOKE = """
UPDATE reservation.listing SET version = version + 1, state = 'revoked', updated_at = $2 WHERE id = $1
"""

PAGE_OF_OWNER = f"""
SELECT {COLUMNS} {FROM}
WHERE listing.owner = $1 AND ($2::text IS NULL OR listing.id < $2) AND ($3::text[] IS NULL OR listing.state = ANY ($3))
ORDER BY listing.id DESC LIMIT $4
"""

PAGE_OF_OPERATOR = f"""
SELECT {COLUMNS} {FROM}
WHERE card.id IS NOT NULL AND ($1::text[] IS NULL OR card.operator = ANY ($1))
    AND ($2::text IS NULL OR listing.car_park = $2) AND ($3::text IS NULL OR listing.id < $3)
    AND ($4::text[] IS NULL OR listing.state = ANY ($4))
ORDER BY listing.id DESC LIMIT $5
"""

OPEN_OF_OWNER = """
SELECT count(*) FROM reservation.listing WHERE owner = $1 AND state IN ('proposed', 'approved', 'paused')
"""

IS_LENT = "SELECT EXISTS (SELECT FROM reservation.listing WHERE space = $1 AND state IN ('approved', 'paused'))"

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('listings of ' || $1::text, 0))"

ROOM = """
SELECT card.capacity, card.reservable, (
    SELECT count(*) FROM reservation.private_space AS own WHERE own.car_park = card.id AND own.space <> $2) AS private
FROM registry.car_park_card AS card WHERE card.id = $1
"""

RELEASE_EARLIER = """
UPDATE reservation.listing SET version = version + 1, released_at = $2, updated_at = $2
WHERE space = $1 AND state = 'revoked' AND decided_at IS NOT NULL AND released_at IS NULL
"""


async def insert(
    tx: Tx,
    listing: str,
    *,
    owner: str,
    car_park: str,
    space: int,
    lent: Lent,
    platform_share_bp: int,
    proof: str | None,
) -> Row:
    """A new proposal."""
    row = await tx.fetchrow(
        INSERT,
        listing,
        owner,
        car_park,
        space,
        lent.stored_windows,
        lent.stored_exceptions,
        lent.price_per_hour,
        lent.owner_share_bp,
        platform_share_bp,
        lent.notice_s,
        proof,
        tx.now,
    )
    assert row is not None, "the statement returns what it writes"  # noqa: S101
    return row


async def read(tx: Tx, listing: str, *, owner: str | None) -> Row | None:
    return await tx.fetchrow(READ, listing, owner)


async def lock(tx: Tx, listing: str, *, owner: str | None) -> Row | None:
    """Nobody else changes it until the transaction ends; promises may still be made of it."""
    return await tx.fetchrow(LOCK, listing, owner)


async def of_operator(tx: Tx, listing: str, caller: Caller) -> Row | None:
    """If `caller` may manage its car park."""
    return await tx.fetchrow(OPERATORS, listing, caller.covered)


async def lock_of_operator(tx: Tx, listing: str, caller: Caller) -> Row | None:
    return await tx.fetchrow(LOCK_OPERATORS, listing, caller.covered)


async def change(tx: Tx, listing: str, lent: Lent, *, proof: str | None, state: str) -> Row:
    """What its owner says from now on."""
    row = await tx.fetchrow(
        CHANGE,
        listing,
        lent.stored_windows,
        lent.stored_exceptions,
        lent.price_per_hour,
        lent.owner_share_bp,
        lent.notice_s,
        proof,
        state,
        tx.now,
    )
    assert row is not None, "the row is locked"  # noqa: S101
    return row


async def decide(tx: Tx, listing: str, state: str, *, by: str, reason: str | None, released_at: datetime | None) -> Row:
    """What the operator says of it."""
    row = await tx.fetchrow(DECIDE, listing, state, tx.now, by, reason, released_at)
    assert row is not None, "the row is locked"  # noqa: S101
    return row


async def release_earlier(tx: Tx, space: int) -> None:
    """A listing that is over no longer says that the space is private: another one is about to."""
    await tx.execute(RELEASE_EARLIER, space, tx.now)


async def revoke(tx: Tx, listing: str) -> None:
    await tx.execute(REVOKE, listing, tx.now)


async def page_of_owner(
    tx: Tx, owner: str, *, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE_OF_OWNER, owner, below, states, limit)


async def page_of_operator(
    tx: Tx, caller: Caller, *, car_park: str | None, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE_OF_OPERATOR, caller.covered, car_park, below, states, limit)


async def open_of_owner(tx: Tx, owner: str) -> int:
    """How many of the owner's listings are not over."""
    count: int = await tx.fetchval(OPEN_OF_OWNER, owner)
    return count


async def is_lent(tx: Tx, space: int) -> bool:
    """Whether an approved listing has it."""
    lent: bool = await tx.fetchval(IS_LENT, space)
    return lent


async def room(tx: Tx, car_park: str, space: int) -> Row | None:
    """Capacity, reservable spaces, and private ones beside `space`; other approvals of the car park wait."""
    await tx.execute(ONE_AT_A_TIME, car_park)
    return await tx.fetchrow(ROOM, car_park, space)
