"""Slots, the windows of listings in absolute time, and the promises that stand on a lent space."""

from collections.abc import Sequence
from datetime import datetime

from kernel.db import Row, Tx
from reservation.sql.reservations import COLUMNS
from reservation.windows import Span

DROP_OTHERS = """
DELETE FROM reservation.share_slot AS slot
WHERE slot.listing = $1 AND upper(slot.during) > $4
    AND slot.during NOT IN (SELECT tstzrange(begins, until)
                            FROM unnest($2::timestamptz[], $3::timestamptz[]) AS wanted (begins, until))
"""

ADD = """
-- A slot that stands already stays as it is: whoever holds it holds it.
INSERT INTO reservation.share_slot (listing, space, during)
SELECT $1, $2, tstzrange(begins, until) FROM unnest($3::timestamptz[], $4::timestamptz[]) AS wanted (begins, until)
ON CONFLICT DO NOTHING
"""

LENGTHEN = """
UPDATE reservation.share_slot SET during = tstzrange(lower(during), $3) WHERE listing = $1 AND upper(during) = $2
"""

FORGET = "DELETE FROM reservation.share_slot WHERE listing = $1 AND upper(during) < $2"

REMOVE = "DELETE FROM reservation.share_slot WHERE listing = $1"

LAID = "UPDATE reservation.listing SET laid_until = $2, laid_zone = $3 WHERE id = $1"

DUE = """
-- Not laid out far enough, or by a clock that is no longer the car park's. Those laid out least are first.
SELECT listing.id FROM reservation.listing JOIN registry.car_park_card AS card ON card.id = listing.car_park
WHERE listing.state = 'approved' AND (listing.laid_until IS NULL OR listing.laid_until < $1
    OR listing.laid_zone IS DISTINCT FROM card.time_zone)
ORDER BY listing.laid_until NULLS FIRST LIMIT $2
"""

WITHIN = """
SELECT lower(during) AS begins, upper(during) AS until FROM reservation.share_slot
WHERE listing = $1 AND during && tstzrange($2, $3) ORDER BY 1
"""

PROMISES = f"""
-- Of a space, whoever lent it: what takes it between $2 and $3. Whoever is inside takes it until leaving.
SELECT {COLUMNS} FROM reservation.reservation
WHERE space = $1 AND state IN ('held', 'confirmed', 'checked_in') AND lower(occupies) < $3
    AND (upper(occupies) > $2 OR state = 'checked_in' AND $2 <= $4)
ORDER BY lower(during), id
"""

STAYS = f"""
-- Of a listing, in order: what was promised, whatever came of it, and ended (or will) in [$2, $3).
SELECT {COLUMNS} FROM reservation.reservation
WHERE listing = $1 AND state <> 'expired' AND coalesce(ended_at, upper(during)) >= $2
    AND coalesce(ended_at, upper(during)) < $3
ORDER BY coalesce(ended_at, upper(during)), id
"""


async def put(tx: Tx, listing: str, space: int, spans: Sequence[Span], since: datetime) -> None:
    """Those that are over by `since` stay; of the others there are `spans`, and no more."""
    begins, until = _columns(spans)
    await tx.execute(DROP_OTHERS, listing, begins, until, since)
    await tx.execute(ADD, listing, space, begins, until)


async def append(tx: Tx, listing: str, space: int, spans: Sequence[Span], laid_until: datetime) -> None:
    """`spans` go on where slots ended: one that touches the last of them makes it longer."""
    if spans and spans[0].begins == laid_until and await tx.execute(LENGTHEN, listing, laid_until, spans[0].until):
        spans = spans[1:]
    await tx.execute(ADD, listing, space, *_columns(spans))


async def forget(tx: Tx, listing: str, before: datetime) -> None:
    """Those that were over `before`."""
    await tx.execute(FORGET, listing, before)


async def remove(tx: Tx, listing: str) -> None:
    """All of a listing."""
    await tx.execute(REMOVE, listing)


async def laid(tx: Tx, listing: str, until: datetime | None, zone: str | None) -> None:
    """How far they are laid out, and by which clock."""
    await tx.execute(LAID, listing, until, zone)


async def due(tx: Tx, until: datetime, *, limit: int) -> list[str]:
    """Listings whose slots do not reach `until`."""
    return [row["id"] for row in await tx.fetch(DUE, until, limit)]


async def within(tx: Tx, listing: str, during: Span) -> list[Span]:
    """The slots of which some part is in it."""
    return [Span(row["begins"], row["until"]) for row in await tx.fetch(WITHIN, listing, *during)]


async def promises(tx: Tx, space: int, during: Span, *, inside_until: datetime) -> list[Row]:
    """What takes the space in it, holds that ran out included; whoever is inside takes it until then at least."""
    return await tx.fetch(PROMISES, space, *during, inside_until)


async def stays(tx: Tx, listing: str, during: Span) -> list[Row]:
    """What ended, or will end, in it."""
    return await tx.fetch(STAYS, listing, *during)


def _columns(spans: Sequence[Span]) -> tuple[list[datetime], list[datetime]]:
    return [span.begins for span in spans], [span.until for span in spans]
