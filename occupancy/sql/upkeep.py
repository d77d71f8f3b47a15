"""What the loops ask: who has gone stale, what was free a quarter of an hour ago, what the spaces really add up to."""

from collections.abc import Sequence
from datetime import datetime

from contracts.ids import CarParkId
from kernel.db import Row, Tx

BRIEF_STANDINGS = "SELECT car_park, as_of, stale, state, noticed_at, version FROM occupancy.car_park_state"
"""As much as tells whether the clock alone changes what is told of a car park."""

TRENDS = """
SELECT state.car_park, state.trend,
       greatest(0, state.capacity - state.out_of_service - state.occupied)
           - greatest(0, past.capacity - past.out_of_service - past.occupied) AS change
FROM occupancy.car_park_state AS state
JOIN registry.car_park_revision AS known ON known.id = state.car_park
CROSS JOIN LATERAL (
    SELECT capacity, out_of_service, occupied FROM occupancy.sample
    WHERE sample.car_park = state.car_park AND sample.at <= $1 AND sample.at > $2
    ORDER BY sample.at DESC, sample.number DESC LIMIT 1) AS past
WHERE NOT state.stale AND state.occupied IS NOT NULL
"""
"""How much more is free than at $1, by the last sample before it that is not older than $2."""

COUNT_SPACES = """
SELECT space.car_park,
       count(*) FILTER (WHERE told.state = 'occupied')::int AS occupied,
       count(*) FILTER (WHERE told.state = 'free')::int AS free,
       count(*) FILTER (WHERE told.state = 'out_of_service')::int AS out_of_service,
       count(*) FILTER (WHERE told.state = 'unknown')::int AS unknown,
       max(told.at) AS at
FROM registry.space_directory AS space
CROSS JOIN LATERAL (
    SELECT now.state, now.at FROM occupancy.space_now AS now WHERE now.space = space.number OFFSET 0) AS told
WHERE space.car_park = ANY($1::text[])
GROUP BY space.car_park
"""
"""Space by space: their car parks are locked meanwhile, and a join would read the states of the whole city instead."""


async def brief_standings(tx: Tx) -> list[Row]:
    return await tx.fetch(BRIEF_STANDINGS)


async def trends(tx: Tx, then: datetime, oldest: datetime) -> list[Row]:
    return await tx.fetch(TRENDS, then, oldest)


async def count_spaces(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    return await tx.fetch(COUNT_SPACES, car_parks)
