"""Count the spaces of car parks again: their sums are kept by difference, and no fault may stay for ever."""

from collections.abc import Sequence

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.measures import count_spaces
from occupancy.record import Recorder
from occupancy.retell_now import retell_now
from occupancy.sql import standings as sql


async def recount(tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId]) -> tuple[int, list[Availability]]:
    """Count the spaces of `car_parks` again; how many sums were wrong, and what to publish of them."""
    standings = await sql.lock_standings(tx, car_parks)
    counted = await count_spaces(tx, car_parks)
    wrong = sorted(car_park for car_park, sums in counted.items() if standings[car_park].spaces != sums)
    return len(wrong), await retell_now(tx, recorder, wrong, recount=wrong)
