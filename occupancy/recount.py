"""Count the spaces of car parks again: their sums are kept by difference, and no fault may stay for ever."""

from collections.abc import Sequence

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Database, Tx
from kernel.parts import in_parts
from occupancy.measures import count_spaces
from occupancy.meters import OccupancyMeters
from occupancy.record import CAR_PARKS_AT_ONCE, Recorder
from occupancy.retell_now import retell_now
from occupancy.sql import standings as sql


async def recount_city(database: Database, recorder: Recorder, meters: OccupancyMeters) -> None:
    """Count every car park's spaces again, some at a time, and repair sums that do not match them."""
    async with database.transaction(readonly=True) as tx:
        await recorder.places.refresh(tx)
        car_parks = sorted(standing.car_park for standing in await sql.standings_now(tx, None))
    for some in in_parts(car_parks, CAR_PARKS_AT_ONCE):
        async with database.transaction() as tx:
            wrong, _ = await recount(tx, recorder, some)
        meters.recounted.inc(len(some))
        meters.repaired.inc(wrong)


async def recount(tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId]) -> tuple[int, list[Availability]]:
    """Count the spaces of `car_parks` again; how many sums were wrong, and what to publish of them."""
    standings = await sql.lock_standings(tx, car_parks)
    counted = await count_spaces(tx, car_parks)
    wrong = sorted(car_park for car_park, sums in counted.items() if standings[car_park].spaces != sums)
    return len(wrong), await retell_now(tx, recorder, wrong, recount=wrong)
