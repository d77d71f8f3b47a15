"""Promises whose deadlines have passed, locked; what somebody else is just moving is passed over.

Whoever is inside already and waits to be checked in is no no-show.
"""

from datetime import datetime
from typing import Final, Literal

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.sql.reservations import COLUMNS
from reservation.stay import Stay

Deadline = Literal["hold", "arrival", "end"]

_LOCKED = "FOR NO KEY UPDATE SKIP LOCKED"
PASSED: Final[dict[Deadline, str]] = {
    "hold": f"""
        SELECT {COLUMNS} FROM reservation.reservation
        WHERE state = 'held' AND hold_expires_at <= $1 ORDER BY hold_expires_at LIMIT $2 {_LOCKED}
    """,
    "arrival": f"""
        SELECT {COLUMNS} FROM reservation.reservation
        WHERE state = 'confirmed' AND latest < $1 AND inside_since IS NULL ORDER BY latest LIMIT $2 {_LOCKED}
    """,
    "end": f"""
        SELECT {COLUMNS} FROM reservation.reservation
        WHERE state = 'checked_in' AND NOT overstaying AND upper(during) <= $1
        ORDER BY upper(during) LIMIT $2 {_LOCKED}
    """,
}

IN_THE_WAY = f"""
-- Of the vehicle, of the space, or of the pool; two partial indexes find what has run out, and that is little.
SELECT {COLUMNS} FROM reservation.reservation
WHERE (state = 'held' AND hold_expires_at <= $1 OR state = 'confirmed' AND latest < $1 AND inside_since IS NULL)
    AND occupies && tstzrange($2, $3)
    AND (plate = $4 AND color = $5 OR space = $6 OR car_park = $7 AND listing IS NULL)
ORDER BY id LIMIT $8 {_LOCKED}
"""

OVERDUE = """
-- Since when the oldest deadline has passed that nobody has looked at yet.
SELECT least(
    (SELECT min(hold_expires_at) FROM reservation.reservation WHERE state = 'held' AND hold_expires_at <= $1),
    (SELECT min(latest) FROM reservation.reservation
     WHERE state = 'confirmed' AND latest < $1 AND inside_since IS NULL))
"""


async def passed(tx: Tx, deadline: Deadline, limit: int) -> list[Row]:
    """Of one kind, the longest passed first."""
    return await tx.fetch(PASSED[deadline], tx.now, limit)


async def in_the_way(tx: Tx, car_park: CarParkId, space: int | None, stay: Stay, limit: int) -> list[Row]:
    """Of promises for the same time that are in the way of `stay` and have run out."""
    return await tx.fetch(
        IN_THE_WAY,
        tx.now,
        stay.begins,
        stay.until,
        stay.vehicle.plate,
        stay.vehicle.color,
        space,
        car_park,
        limit,
    )


async def overdue_since(tx: Tx) -> datetime | None:
    """The oldest deadline that has passed; None when there is none."""
    since: datetime | None = await tx.fetchval(OVERDUE, tx.now)
    return since
