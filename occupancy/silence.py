"""A space whose sensor was silent for longer than its heartbeat allows is `unknown` until its next word.

The heartbeat is what the registry says of the space's device, its zone's, its car park's, or of the car park; else what
was learned: for a day it is looked now and then how long nineteen of twenty sensors of a car park have been silent, and
if that was never longer than `LEARNED_S_MAX`, they evidently speak at least as often. Sensors that speak only when
something changes are silent through the night and teach nothing; they are believed for `space_stale_after_s`.
Only time in which we could have heard them counts. A word that was as old as that when it came is doubted all the same:
nobody knows what has become of the space since.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.record import Recorder
from occupancy.retell_now import retell_now
from occupancy.settings import OccupancySettings
from occupancy.sql import doubts as sql
from occupancy.sql import standings as standings_sql
from occupancy.sql.doubts import Patience

WATCH: Final = timedelta(days=1)
"""A night must be in it."""
LOOK_S: Final = 300.0
LOOKS_MIN: Final = 200
"""Of the 288 of a day: a watch during which we were down teaches nothing."""
LEARNED_S_MAX: Final = 3_600.0
"""What is silent for longer may as well speak only when something changes."""


async def find_silent(
    tx: Tx, settings: OccupancySettings, car_parks: Sequence[CarParkId], listening_since: datetime
) -> list[CarParkId]:
    """Those of `car_parks` in which spaces have become silent."""
    return await sql.find_silent(tx, car_parks, listening_since, _patience(settings))


async def mark_silent(
    tx: Tx, recorder: Recorder, car_parks: Sequence[CarParkId], listening_since: datetime
) -> list[Availability]:
    """Put silent spaces in doubt; what is to be published."""
    await standings_sql.lock_standings(tx, car_parks)
    await sql.mark_silent(tx, car_parks, listening_since, _patience(recorder.settings))
    await sql.count_doubts(tx, car_parks)
    return await retell_now(tx, recorder, car_parks, recount=car_parks)


async def learn_heartbeats(tx: Tx) -> None:
    """One look, `LOOK_S` after the one before it."""
    await sql.look_at_silence(tx, watch=WATCH, looks_min=LOOKS_MIN, heartbeat_s_max=LEARNED_S_MAX)


def _patience(settings: OccupancySettings) -> Patience:
    return Patience(settings.heartbeats_missed, settings.learned_heartbeats_missed, settings.space_stale_after_s)
