"""Numbered spaces that somebody else stands on, and which equal ones could stand in for them."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from kernel.db import Row, Tx
from reservation.policy import Terms
from reservation.sql.reservations import COLUMNS

SETTLED: Final = timedelta(seconds=60)
"""A space that is occupied for less may only be driven over."""

STANDS_THERE = """
SELECT (SELECT state FROM occupancy.space_now WHERE space = $1) AS state,
    (SELECT at FROM occupancy.space_now WHERE space = $1) AS at,
    (SELECT upper(during) FROM reservation.reservation
     WHERE space = $1 AND state = 'checked_in' AND id <> $2 ORDER BY upper(during) DESC LIMIT 1) AS guest_until
"""

TAKEN_AHEAD = """
-- May arrive, has not, and somebody without a promise of it stands there; or the guest before overstays. The same
-- vehicle stays on: see FOLLOWED.
WITH mine AS MATERIALIZED (
    SELECT id, space, lower(during) AS begins, plate, color FROM reservation.reservation
    WHERE state = 'confirmed' AND space IS NOT NULL AND inside_since IS NULL
        AND lower(during) > $1::timestamptz - interval '24 hours'
        AND lower(during) <= $1::timestamptz + interval '24 hours' AND earliest <= $1 AND latest >= $1
)
SELECT mine.id FROM mine
LEFT JOIN LATERAL (
    SELECT upper(guest.during) AS until, (guest.plate, guest.color) = (mine.plate, mine.color) AS same
    FROM reservation.reservation AS guest
    WHERE guest.space = mine.space AND guest.state = 'checked_in' AND guest.id <> mine.id
    ORDER BY upper(guest.during) DESC LIMIT 1) AS guest ON true
WHERE CASE WHEN guest.until IS NOT NULL THEN NOT guest.same AND guest.until <= $1 AND mine.begins <= $1
    ELSE EXISTS (SELECT FROM occupancy.space_now AS seen WHERE seen.space = mine.space
                 AND seen.state IN ('occupied', 'out_of_service') AND seen.at <= $2) END
ORDER BY mine.id LIMIT $3
"""

EQUAL = """
-- In the same car park, of the same features, known to be free before not known; in the same zone; near by its number.
-- A lent space only for a lent one, inside the windows of its own listing.
SELECT other.number AS space, other.label, listing.id AS listing
FROM registry.space_directory AS own
JOIN registry.space_directory AS other ON other.car_park = own.car_park AND other.number <> own.number
    AND other.features @> own.features AND other.features <@ own.features
LEFT JOIN occupancy.space_now AS seen ON seen.space = other.number
LEFT JOIN reservation.listing AS listing ON listing.space = other.number AND listing.state IN ('approved', 'paused')
WHERE own.number = $1 AND coalesce(seen.state, 'unknown') NOT IN ('occupied', 'out_of_service')
    AND CASE WHEN $2 THEN listing.state = 'approved' AND EXISTS (
            SELECT FROM reservation.share_slot AS slot
            WHERE slot.space = other.number AND slot.listing = listing.id AND slot.during @> tstzrange($3, $4))
        ELSE NOT EXISTS (SELECT FROM reservation.private_space AS private WHERE private.space = other.number) END
    AND NOT EXISTS (SELECT FROM reservation.reservation AS kept
        WHERE kept.space = other.number AND kept.state IN ('held', 'confirmed', 'checked_in')
            AND (kept.occupies && tstzrange($3, $4) OR kept.state = 'checked_in'))
ORDER BY seen.state = 'free' DESC NULLS LAST, other.zone IS NOT DISTINCT FROM own.zone DESC,
    abs(other.number - own.number), other.number
LIMIT 1
"""

SUBSTITUTE = f"""
WITH moved AS (
    UPDATE reservation.reservation SET version = version + 1, space = $3, space_label = $4, listing = $5,
        replaces_space = coalesce(replaces_space, space), space_taken_at = NULL
    WHERE id = $1 AND version = $2
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail)
    SELECT id, $6, 'space_substituted', version, $7 FROM moved
)
SELECT {COLUMNS} FROM moved
"""

TAKEN = f"""
WITH moved AS (
    UPDATE reservation.reservation SET version = version + 1, space_taken_at = $3, terms = $4
    WHERE id = $1 AND version = $2
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail)
    SELECT id, $3, 'space_taken', version, $5 FROM moved
)
SELECT {COLUMNS} FROM moved
"""


async def stands_there(tx: Tx, space: int, *, besides: str) -> Row:
    """What the sensor of `space` says, since when, and until when another guest than that of `besides` has it."""
    row = await tx.fetchrow(STANDS_THERE, space, besides)
    assert row is not None, "the statement selects one row"  # noqa: S101
    return row


async def taken_ahead(tx: Tx, *, limit: int) -> list[str]:
    return [row["id"] for row in await tx.fetch(TAKEN_AHEAD, tx.now, tx.now - SETTLED, limit)]


async def equal_space(tx: Tx, row: Row) -> Row | None:
    """The nearest that could stand in for the space of `row` for what is left of its time."""
    begins = max(tx.now, row["occupies_from"])
    return await tx.fetchrow(EQUAL, row["space"], row["listing"] is not None, begins, row["occupies_until"])


async def substitute(tx: Tx, row: Row, other: Row, detail: dict[str, Any]) -> Row:
    """The promise, moved to the space of `other`. The row is locked."""
    moved = await tx.fetchrow(
        SUBSTITUTE, row["id"], row["version"], other["space"], other["label"], other["listing"], tx.now, detail
    )
    assert moved is not None, "the row was locked in this version"  # noqa: S101
    return moved


async def set_taken(tx: Tx, row: Row, terms: Terms, detail: dict[str, Any]) -> Row:
    """No other was found; the promise stands under these `terms`. The row is locked."""
    moved = await tx.fetchrow(TAKEN, row["id"], row["version"], tx.now, msgspec.to_builtins(terms), detail)
    assert moved is not None, "the row was locked in this version"  # noqa: S101
    return moved
