"""Sensors that flapped and have become quiet are believed again: their last word counts, however it came."""

from collections.abc import Sequence
from datetime import datetime

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.record import Recorder
from occupancy.retell_now import retell_now
from occupancy.sql import doubts as sql
from occupancy.sql import standings as standings_sql


async def settle_flapping(
    tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId], quiet_since: datetime
) -> list[Availability]:
    """End the doubt about spaces of `car_parks` that have not changed since then; what is to be published."""
    await standings_sql.lock_standings(tx, car_parks)
    for space in await sql.settle(tx, quiet_since, car_parks):
        recorder.flips.forget(space)
    await sql.count_doubts(tx, car_parks)
    return await retell_now(tx, recorder, car_parks, recount=car_parks)
