"""Who comes, who is inside, and what stands on a promised space. Of occupancy and registry only what they publish."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.sql import pools
from reservation.sql.reservations import COLUMNS

PARKED_AFTER: Final = timedelta(minutes=5)
"""From the lane to the space: whoever takes longer stands somewhere else."""
AHEAD: Final = timedelta(hours=24)
"""Whoever drives in longer before his time comes for something else."""


class Room(Struct, frozen=True):
    """What is `free` before anything is promised (None: nobody knows), by which `source`; the promises `due`; guests
    who are inside and `arriving` at their spaces, which nobody has seen taken yet.
    """

    free: int | None
    due: int
    arriving: int
    source: str | None


OF_VEHICLES = f"""
-- The order of locks is that of the ids, whatever the order of the passages.
SELECT {COLUMNS} FROM reservation.reservation AS kept
WHERE (car_park, plate) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    AND state IN ('held', 'confirmed', 'checked_in') AND lower(during) <= $3::timestamptz
ORDER BY id FOR NO KEY UPDATE
"""

SET_INSIDE = f"""
WITH moved AS (
    UPDATE reservation.reservation SET version = version + 1, inside_since = $3
    WHERE id = $1 AND version = $2 AND state IN ('held', 'confirmed')
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail) SELECT id, $4, $5, version, $6 FROM moved
)
SELECT {COLUMNS} FROM moved
"""

WAITING_INSIDE = """
-- Drove in before they could be checked in, and it is time to try.
SELECT id FROM reservation.reservation
WHERE inside_since IS NOT NULL AND state = 'confirmed' AND earliest <= $1 ORDER BY id LIMIT $2
"""

FOLLOWED = """
-- The vehicle stays: its promise is over and its next one here may begin.
SELECT first.id AS first, next.id AS next FROM reservation.reservation AS first
JOIN reservation.reservation AS next ON next.car_park = first.car_park AND next.plate = first.plate
    AND next.color = first.color AND next.state = 'confirmed' AND next.earliest <= $1 AND next.id <> first.id
WHERE first.state = 'checked_in' AND upper(first.during) <= $1 AND lower(next.during) >= upper(first.during)
ORDER BY first.id LIMIT $2
"""

LOCK = f"""
SELECT {COLUMNS} FROM reservation.reservation WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

ROOM = """
-- What is free of each car park before anything that is promised is taken off; NULL: nobody knows. Where sensors of
-- spaces count, a guest who came just now is still on his way to one.
SELECT card.id AS car_park, now.source,
    CASE WHEN now.source = 'spaces' THEN (
        SELECT count(*) FROM reservation.reservation AS guest
        WHERE guest.car_park = card.id AND guest.state = 'checked_in' AND guest.inside_since IS NULL
            AND guest.checked_in_at > $2::timestamptz - $3::interval
            AND NOT EXISTS (SELECT FROM occupancy.space_now AS seen
                            WHERE seen.space = guest.space AND seen.state = 'occupied')) ELSE 0 END AS arriving,
    coalesce((SELECT promised FROM reservation.promised($2) AS due WHERE due.car_park = card.id), 0) AS due,
    CASE WHEN NOT now.stale THEN now.capacity - now.out_of_service - now.occupied END AS free
FROM registry.car_park_card AS card
LEFT JOIN occupancy.car_park_now AS now ON now.car_park = card.id
WHERE card.id = ANY ($1::text[])
"""

PROMISED_ANEW = """
-- Where availability says another number than what is promised now.
SELECT card.id AS car_park, coalesce(due.promised, 0) AS promised
FROM registry.car_park_card AS card
LEFT JOIN reservation.promised($1) AS due ON due.car_park = card.id
LEFT JOIN occupancy.car_park_now AS told ON told.car_park = card.id
WHERE coalesce(due.promised, 0) <> coalesce(told.promised, 0)
ORDER BY card.id
"""


async def lock_of_vehicles(tx: Tx, vehicles: Collection[tuple[CarParkId, str]]) -> list[Row]:
    """Every promise under way or soon to be of these (car park, plate), locked, and after them the days of their pools:
    what happens to them in this transaction waits for nobody any more.
    """
    rows = await tx.fetch(
        OF_VEHICLES, [car_park for car_park, _ in vehicles], [plate for _, plate in vehicles], tx.now + AHEAD
    )
    await lock_days(tx, rows)
    return rows


async def lock_days(tx: Tx, rows: Iterable[Row]) -> None:
    """The days of the pools that steps of these promises may move, in the order that every step keeps."""
    days: list[tuple[str, Any]] = []
    for row in rows:
        day, last = tx.now.date(), row["until"].date()
        while day <= last:
            days.append((row["car_park"], day))
            day += timedelta(days=1)
    if days:
        await tx.execute(pools.LOCK, [car_park for car_park, _ in days], [day for _, day in days])


async def set_inside(tx: Tx, row: Row, since: datetime | None, kind: str, detail: dict[str, Any]) -> Row:
    """The vehicle is inside and not checked in; None: it is outside again. The row is locked."""
    moved = await tx.fetchrow(SET_INSIDE, row["id"], row["version"], since, tx.now, kind, detail)
    assert moved is not None, "the row was locked in this version"  # noqa: S101
    return moved


async def waiting_inside(tx: Tx, *, limit: int) -> list[str]:
    return [row["id"] for row in await tx.fetch(WAITING_INSIDE, tx.now, limit)]


async def followed(tx: Tx, *, limit: int) -> list[tuple[str, str]]:
    """A promise that is over, and the next one of the vehicle that stays."""
    return [(row["first"], row["next"]) for row in await tx.fetch(FOLLOWED, tx.now, limit)]


async def lock_if_free(tx: Tx, ids: Sequence[str]) -> list[Row]:
    """Those of `ids` that nobody is moving just now, and the days of their pools, locked."""
    rows = await tx.fetch(LOCK, ids)
    await lock_days(tx, rows)
    return rows


async def rooms(tx: Tx, car_parks: Sequence[CarParkId]) -> dict[CarParkId, Room]:
    return {
        CarParkId(row["car_park"]): Room(row["free"], row["due"], row["arriving"], row["source"])
        for row in await tx.fetch(ROOM, car_parks, tx.now, PARKED_AFTER)
    }


async def promised_anew(tx: Tx) -> dict[CarParkId, int]:
    return {CarParkId(row["car_park"]): row["promised"] for row in await tx.fetch(PROMISED_ANEW, tx.now)}
