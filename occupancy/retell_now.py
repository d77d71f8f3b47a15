"""Tell again what is known of car parks, after the clock, the registry or a recount changed something.

The rows are locked, as recording does; what comes back is to be published after the commit.
"""

from collections.abc import Collection, Sequence

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.fusion import fuse
from occupancy.measures import count_spaces, read_measures
from occupancy.record import Recorder
from occupancy.sql import standings as sql
from occupancy.timeline import Sample


async def retell_now(
    tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId], *, recount: Collection[CarParkId] = ()
) -> list[Availability]:
    """Fuse what is known of `car_parks` again, with the sums of those in `recount` counted afresh."""
    if not car_parks:
        return []
    standings = await sql.lock_standings(tx, car_parks)
    before = {car_park: standing.told for car_park, standing in standings.items()}
    for car_park, sums in (await count_spaces(tx, [*recount])).items():
        standings[car_park].spaces = sums
    samples: list[tuple[CarParkId, Sample]] = []
    for car_park, measures in (await read_measures(tx, standings, recorder.places)).items():
        standing = standings[car_park]
        numbers = standing.numbers
        standing.believe(fuse(measures, recorder.places.of(car_park).place, recorder.policy))
        if standing.numbers != numbers and standing.numbers is not None and standing.source is not None:
            at = tx.now if standing.sampled_at is None else max(tx.now, standing.sampled_at)
            standing.sampled_at = at
            samples.append((car_park, Sample(at, *standing.numbers, standing.source)))
    return await recorder.conclude(tx, standings, before, samples)
