"""What is read back: the spaces of a car park and its past."""

from collections.abc import AsyncIterator
from datetime import datetime

from contracts.ids import CarParkId
from kernel.db import Row, Tx

SPACES = """
SELECT space.number, space.label, space.zone, told.state, told.at, told.doubt
FROM registry.space_directory AS space LEFT JOIN occupancy.space_now AS told ON told.space = space.number
WHERE space.car_park = $1 AND ($2::text IS NULL OR space.zone = $2) AND space.number > $3
ORDER BY space.number LIMIT $4
"""

SAMPLES = """
SELECT at, number, occupied, capacity, out_of_service FROM occupancy.sample
WHERE car_park = $1 AND at >= $2 AND at < $3 AND (at, number) > ($4, $5)
ORDER BY at, number LIMIT $6
"""

SAMPLE_BEFORE = """
SELECT at, occupied, capacity, out_of_service, source FROM occupancy.sample
WHERE car_park = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT 1
"""

SAMPLES_WITHIN = """
SELECT at, occupied, capacity, out_of_service, source FROM occupancy.sample
WHERE car_park = $1 AND at >= $2 AND at < $3 ORDER BY at, number
"""

ONLINE_EVENTS = """
(SELECT received_at AS at, online FROM occupancy.online_event WHERE car_park = $1 AND received_at < $2
 ORDER BY received_at DESC LIMIT 1)
UNION ALL
(SELECT received_at, online FROM occupancy.online_event WHERE car_park = $1 AND received_at >= $2 AND received_at < $3)
ORDER BY at
"""
"""The word in force at $2 and those until $3."""

LAST_HEARD = "SELECT as_of, online, online_at FROM occupancy.car_park_state WHERE car_park = $1"


async def spaces(tx: Tx, car_park: CarParkId, *, zone: str | None, after: int, limit: int) -> list[Row]:
    return await tx.fetch(SPACES, car_park, zone, after, limit)


async def samples(
    tx: Tx, car_park: CarParkId, begin: datetime, end: datetime, *, after: tuple[datetime, int], limit: int
) -> list[Row]:
    """Samples in [begin, end) that follow `after`, in their order."""
    return await tx.fetch(SAMPLES, car_park, begin, end, *after, limit)


async def sample_before(tx: Tx, car_park: CarParkId, moment: datetime) -> Row | None:
    """The sample in force at `moment`."""
    return await tx.fetchrow(SAMPLE_BEFORE, car_park, moment)


def samples_within(tx: Tx, car_park: CarParkId, begin: datetime, end: datetime) -> AsyncIterator[Row]:
    """Samples in [begin, end), streamed: there may be a million."""
    return tx.rows(SAMPLES_WITHIN, car_park, begin, end)


async def online_events(tx: Tx, car_park: CarParkId, begin: datetime, end: datetime) -> list[Row]:
    return await tx.fetch(ONLINE_EVENTS, car_park, begin, end)


async def last_heard(tx: Tx, car_park: CarParkId) -> Row | None:
    """When the car park was last heard of, in its own time, and whether its gateway is connected since when."""
    return await tx.fetchrow(LAST_HEARD, car_park)
