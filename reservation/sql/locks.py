"""The locks of equipped spaces: which shall be down for a guest, or up again after one."""

from datetime import datetime, timedelta
from typing import Final

from kernel.db import Row, Tx

EQUIPPED: Final = "lock"
"""The feature of a space that has one."""
ATTEMPTS_MAX: Final = 5
AGAIN: Final = timedelta(seconds=40)
"""Later than an order's deadline: one order is under way at a time."""

LOWER = """
-- Only where the space has a lock.
INSERT INTO reservation.space_lock AS lock (space, car_park, space_label, reservation, wanted, attempt, due_at)
SELECT space.number, space.car_park, space.label, $2, 'lowered', 0, $3
FROM registry.space_directory AS space WHERE space.number = $1 AND space.features @> ARRAY[$4]
ON CONFLICT (space) DO UPDATE SET reservation = excluded.reservation, wanted = 'lowered', attempt = 0, due_at = $3
RETURNING *
"""

RAISE = """
UPDATE reservation.space_lock SET wanted = 'raised', attempt = 0, due_at = $2 WHERE reservation = $1
"""

DUE = """
-- A lock goes up only when the sensor says that nothing is above it, and nobody else was let onto the space.
SELECT lock.* FROM reservation.space_lock AS lock
WHERE lock.due_at <= $1 AND CASE WHEN lock.wanted = 'lowered'
    THEN EXISTS (SELECT FROM reservation.reservation AS guest
                 WHERE guest.id = lock.reservation AND guest.state = 'checked_in')
    ELSE EXISTS (SELECT FROM occupancy.space_now AS seen WHERE seen.space = lock.space AND seen.state = 'free')
        AND NOT EXISTS (SELECT FROM reservation.reservation AS guest
                        WHERE guest.space = lock.space AND guest.state = 'checked_in') END
ORDER BY lock.space LIMIT $2 FOR UPDATE SKIP LOCKED
"""

GIVEN = "UPDATE reservation.space_lock SET attempt = attempt + 1, due_at = $2 WHERE space = $1 RETURNING attempt"

OBEYED = "UPDATE reservation.space_lock SET due_at = NULL WHERE reservation = $1 AND wanted = 'lowered'"
RAISED = "DELETE FROM reservation.space_lock WHERE reservation = $1 AND wanted = 'raised'"

IN_VAIN = """
WITH given_up AS (
    UPDATE reservation.space_lock SET due_at = NULL
    WHERE reservation = $1 AND wanted = $2 AND attempt >= $3 AND due_at IS NOT NULL
    RETURNING reservation, space_label, wanted
)
INSERT INTO reservation.event (reservation, at, kind, version, detail)
SELECT kept.id, $4, 'lock_failed', kept.version,
    jsonb_build_object('space', given_up.space_label, 'wanted', given_up.wanted, 'error', $5::text)
FROM given_up JOIN reservation.reservation AS kept ON kept.id = given_up.reservation
"""


async def want_lowered(tx: Tx, row: Row) -> Row | None:
    """For the guest of the promise in `row`; None where its space has no lock."""
    return await tx.fetchrow(LOWER, row["space"], row["id"], tx.now, EQUIPPED)


async def want_raised(tx: Tx, reservation: str) -> None:
    """The guest has left."""
    await tx.execute(RAISE, reservation, tx.now)


async def due(tx: Tx, *, limit: int) -> list[Row]:
    return await tx.fetch(DUE, tx.now, limit)


async def given(tx: Tx, space: int, attempt: int) -> None:
    """One more order is under way; the next, if it is not obeyed, later each time."""
    again: datetime | None = tx.now + AGAIN * (attempt + 1)
    await tx.execute(GIVEN, space, again)


async def obeyed(tx: Tx, reservation: str, *, raised: bool) -> None:
    await tx.execute(RAISED if raised else OBEYED, reservation)


async def not_obeyed(tx: Tx, reservation: str, wanted: str, error: str | None) -> None:
    """Asked often enough in vain: the driver, and the car park, hear of it."""
    await tx.execute(IN_VAIN, reservation, wanted, ATTEMPTS_MAX, tx.now, error)
