"""What a curve lacks, noted by recording and taken by upkeep; the stretch of a curve that is written anew."""

from collections.abc import Sequence
from datetime import datetime

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.curve import Belated

CAR_PARKS_WITH_BELATED_MOVES = """
SELECT DISTINCT car_park FROM occupancy.belated_move ORDER BY car_park LIMIT $1
"""

TAKE_BELATED_MOVES = """
DELETE FROM occupancy.belated_move WHERE car_park = $1 AND number IN (
    SELECT number FROM occupancy.belated_move WHERE car_park = $1 ORDER BY number LIMIT $2)
RETURNING since, until, occupied, out_of_service
"""

SAMPLES_BETWEEN = """
SELECT at, occupied, capacity, out_of_service, source FROM occupancy.sample
WHERE car_park = $1 AND at >= $2 AND at <= $3 ORDER BY at, number
"""

DROP_SENSOR_SAMPLES = """
DELETE FROM occupancy.sample WHERE car_park = $1 AND at >= $2 AND at <= $3 AND source = 'spaces'
"""


async def insert_belated_moves(tx: Tx, moves: Sequence[tuple[CarParkId, Belated]]) -> None:
    if not moves:
        return
    await tx.copy_records(
        "belated_move",
        schema="occupancy",
        columns=("car_park", "since", "until", "occupied", "out_of_service"),
        records=[(car_park, move.since, move.until, move.occupied, move.out_of_service) for car_park, move in moves],
    )


async def car_parks_with_belated_moves(tx: Tx, limit: int) -> list[CarParkId]:
    return [CarParkId(row["car_park"]) for row in await tx.fetch(CAR_PARKS_WITH_BELATED_MOVES, limit)]


async def take_belated_moves(tx: Tx, car_park: CarParkId, *, limit: int) -> list[Belated]:
    """Up to `limit` of a car park's moves, the oldest noted first; they are gone with the transaction."""
    rows = await tx.fetch(TAKE_BELATED_MOVES, car_park, limit)
    return [Belated(row["since"], row["until"], row["occupied"], row["out_of_service"]) for row in rows]


async def samples_between(tx: Tx, car_park: CarParkId, first: datetime, last: datetime) -> list[Row]:
    """Samples of [first, last], both included, in their order."""
    return await tx.fetch(SAMPLES_BETWEEN, car_park, first, last)


async def drop_sensor_samples(tx: Tx, car_park: CarParkId, first: datetime, last: datetime) -> None:
    await tx.execute(DROP_SENSOR_SAMPLES, car_park, first, last)
