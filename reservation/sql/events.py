"""Events in the order in which their transactions can be read: whoever reads on misses nothing and reads nothing twice.

Numbers are given when a row is written, not when it is committed: a smaller one may appear later. So a reader goes by
`horizon`, the oldest transaction still under way: all that was written before it is there for good, and is read once,
in the order of (transaction, number). `low` spares it what lies behind: once nothing is under way that was when `mark`
was the largest number, no number up to `mark` can appear any more.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from kernel.db import Row, Tx
from reservation.sql.reservations import COLUMNS


class Position(Struct, frozen=True):
    """Where a reader is: all that was written by transactions before `horizon` has been read."""

    horizon: int
    low: int = 0
    mark_horizon: int = 0
    mark: int = 0

    def after(self, now: Row) -> "Position":
        """Having read up to the horizon in `now`."""
        horizon, following, largest = now["horizon"], now["following"], now["largest"]
        if horizon >= self.mark_horizon:
            return Position(horizon, max(self.low, self.mark), following, largest)
        return Position(horizon, self.low, self.mark_horizon, self.mark)


NOW = """
SELECT pg_snapshot_xmin(snapshot)::text::bigint AS horizon, pg_snapshot_xmax(snapshot)::text::bigint AS following,
    coalesce((SELECT max(number) FROM reservation.event), 0) AS largest
FROM pg_current_snapshot() AS snapshot
"""

_WRITTEN = """
-- A database that was restored elsewhere counts its transactions anew: then all that is behind `low` is new.
event.number > $1 AND event.written_by < $3::bigint::text::xid8
AND ($2 > $3 OR event.written_by >= $2::bigint::text::xid8)
"""

_EVENT: Final = """
event.number AS event, event.written_by::text::bigint AS written_by, event.at, event.kind AS event_kind,
event.version AS event_version, event.detail AS event_detail
"""

OF_DRIVERS = f"""
SELECT {_EVENT}, kept.* FROM reservation.event AS event
JOIN LATERAL (SELECT {COLUMNS} FROM reservation.reservation WHERE id = event.reservation) AS kept
    ON kept.driver = ANY ($4)
WHERE {_WRITTEN} ORDER BY event.written_by, event.number
"""

MISSED = f"""
-- Of one driver, behind a place in the order of all.
SELECT {_EVENT}, kept.*
FROM (SELECT {COLUMNS} FROM reservation.reservation WHERE driver = $1 ORDER BY id DESC LIMIT $6) AS kept
JOIN reservation.event AS event ON event.reservation = kept.id
WHERE (event.written_by, event.number) > ($2::bigint::text::xid8, $3) AND event.written_by < $4::bigint::text::xid8
ORDER BY event.written_by, event.number LIMIT $5
"""

OF_ALL = f"""
SELECT {_EVENT}, event.reservation, kept.car_park FROM reservation.event AS event
JOIN reservation.reservation AS kept ON kept.id = event.reservation
WHERE {_WRITTEN} ORDER BY event.written_by, event.number LIMIT $4
"""

ACTIVE_OF_DRIVER = f"""
SELECT {COLUMNS} FROM reservation.reservation
WHERE driver = $1 AND state IN ('held', 'confirmed', 'checked_in') ORDER BY lower(during), id LIMIT $2
"""


async def now(tx: Tx) -> Row:
    """`horizon`, the transaction `following` all that began, and the `largest` number that is seen; read this first."""
    row = await tx.fetchrow(NOW)
    assert row is not None, "the statement selects one row"  # noqa: S101
    return row


async def of_drivers(tx: Tx, position: Position, horizon: int, drivers: Sequence[str]) -> list[Row]:
    """What was written between `position` and `horizon` of promises to `drivers`, with each promise as it is now."""
    return await tx.fetch(OF_DRIVERS, position.low, position.horizon, horizon, drivers)


async def missed(
    tx: Tx, driver: str, behind: tuple[int, int], horizon: int, *, limit: int, reservations: int
) -> list[Row]:
    """At most `limit` events of the driver's latest `reservations` behind (transaction, number), before `horizon`."""
    return await tx.fetch(MISSED, driver, *behind, horizon, limit, reservations)


async def of_all(tx: Tx, position: Position, horizon: int, *, limit: int) -> list[Row]:
    """What was written between `position` and `horizon`, at most so many."""
    return await tx.fetch(OF_ALL, position.low, position.horizon, horizon, limit)


async def active_of_driver(tx: Tx, driver: str, *, limit: int) -> list[Row]:
    """Promises that stand, the next beginning first."""
    return await tx.fetch(ACTIVE_OF_DRIVER, driver, limit)
