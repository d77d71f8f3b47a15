"""One look at how everybody's data is, from what recording stored: it costs recording nothing.

The worker looks about once a minute. How long words took is read from the last word of each sensor, which clocks run
ahead from history; what is a state (stale, silent, ...) is counted once a look; what the gateway keeps books of is the
difference to the last look. A city of 250,000 spaces costs less than a second of one core a minute.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from kernel.db import Tx
from occupancy.health import LATENCY_CLASSES
from occupancy.settings import OccupancySettings
from occupancy.sql import health as sql

COMMITTED_WITHIN: Final = timedelta(seconds=5)
"""From receipt to commit: what is younger is left to the next look. What takes longer is missing from the latencies."""
LOOK_BACK_MAX: Final = timedelta(minutes=10)
"""After a pause of ours: a sample of what came meanwhile is enough."""
CLOCK_AHEAD_FROM: Final = timedelta(seconds=5)
"""Clocks that are set over the network are within a second of ours."""
GAP_OPEN_AFTER: Final = timedelta(seconds=60)
"""A snapshot makes a loss good within a minute: what is younger is not open yet."""
GAPS_COUNTED_BACK: Final = timedelta(hours=1)
"""Numbers that come late within the next hour are taken off the lost ones; after that only history gains."""
LOST_A_GAP_MAX: Final = 100
"""A jump of the numbers by a million is one accident and no million lost words."""


async def watch_health(tx: Tx, settings: OccupancySettings) -> None:
    """One look; the next one goes on where this one ends."""
    looked_until = await sql.lock_look(tx)
    until = tx.now - COMMITTED_WITHIN
    latencies: defaultdict[str, list[int]] = defaultdict(lambda: [0] * LATENCY_CLASSES)
    ahead: defaultdict[str, int] = defaultdict(int)
    begin = _begin(looked_until, until)
    if begin < until:
        for row in await sql.words_between(tx, begin, until, live_within=settings.stale_after):
            latencies[row["car_park"]][row["class"]] += row["words"]
        for row in await sql.words_ahead(tx, begin, until, ahead_by=CLOCK_AHEAD_FROM):
            latencies[row["car_park"]]  # there, if only with noughts
            ahead[row["car_park"]] += row["words"]
        await sql.set_look(tx, until)
    await sql.add_look(
        tx, stale_after=settings.stale_after, gap_open_after=GAP_OPEN_AFTER, latencies=latencies, ahead=ahead
    )
    hour = tx.now.replace(minute=0, second=0, microsecond=0)
    await sql.count_gaps(tx, hour - GAPS_COUNTED_BACK, lost_a_gap_max=LOST_A_GAP_MAX)


async def forget_health(tx: Tx, settings: OccupancySettings) -> None:
    """Drop hours that are older than they are kept, and what is no longer in the registry."""
    await sql.forget(tx, tx.now - timedelta(days=settings.health_retention_days))


def _begin(looked_until: datetime | None, until: datetime) -> datetime:
    oldest = until - LOOK_BACK_MAX
    return oldest if looked_until is None else max(oldest, looked_until)
