"""Give a stretch of a car park's curve what its sensors told of it later: upkeep, apart from recording."""

from typing import Final

from contracts.ids import CarParkId
from kernel.db import Database, Row, Tx
from occupancy import sql
from occupancy.curve import mended
from occupancy.meters import OccupancyMeters
from occupancy.sql import curves, reading
from occupancy.timeline import Sample

CAR_PARKS_MAX: Final = 200
"""At one turn; who is left over comes at the next."""
MOVES_MAX: Final = 10_000
"""Mended together: a week of a large car park; what is more comes at the next turn."""


async def mend_curves(database: Database, meters: OccupancyMeters) -> None:
    """Mend the curves of car parks whose sensors were late, each in its own transaction."""
    async with database.transaction(readonly=True) as tx:
        car_parks = await curves.car_parks_with_belated_moves(tx, CAR_PARKS_MAX)
    for car_park in car_parks:
        async with database.transaction() as tx:
            moves = await _mend(tx, car_park)
        meters.mended.inc(moves)


async def _mend(tx: Tx, car_park: CarParkId) -> int:
    """Add the belated moves of `car_park` to its samples; how many there were.

    Its row is locked, as recording does: no sample comes in between. Moves and samples change in one transaction, so
    each move is added once.
    """
    await sql.lock_standings(tx, [car_park])
    moves = await curves.take_belated_moves(tx, car_park, limit=MOVES_MAX)
    if not moves:
        return 0
    first, last = min(move.since for move in moves), max(move.until for move in moves)
    before = await reading.sample_before(tx, car_park, first)
    samples = [_sample(row) for row in await curves.samples_between(tx, car_park, first, last)]
    curve = mended(None if before is None else _sample(before), samples, moves)
    await curves.drop_sensor_samples(tx, car_park, first, last)
    await sql.insert_samples(tx, [(car_park, sample) for sample in curve])
    return len(moves)


def _sample(row: Row) -> Sample:
    return Sample(row["at"], row["occupied"], row["capacity"], row["out_of_service"], row["source"])
