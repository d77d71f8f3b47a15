"""Look at counters and lanes at night, and in the morning propose corrections of those that have drifted.

A loop of the worker looks several times a night, by the clock of each car park, and keeps the quietest moment of each
counter beside what the sensors said then. When the night is over, `occupancy.drift` judges; a person decides
(`decide_drift`). A proposal stands until it is decided, or until later nights say something else or nothing any more.
"""

from datetime import timedelta
from typing import Any, Final

from kernel.db import Tx
from kernel.ids import new_id
from occupancy.drift import NIGHTS_LOOKED_AT, Counter, Drift, Night, judge
from occupancy.settings import OccupancySettings
from occupancy.sql import drift as sql

NIGHT_HOURS: Final = (2, 5)
"""From two until five, local time."""
LOOK_S: Final = timedelta(minutes=15).total_seconds()
"""Twelve looks a night, and four at the hour after it, of which the first decides."""


async def look_and_propose(tx: Tx, settings: OccupancySettings) -> int:
    """One look; how many corrections were proposed."""
    await sql.look_at_night(tx, known_share_min=settings.known_share_min, hours=NIGHT_HOURS)
    await sql.forget_nights(tx, NIGHTS_LOOKED_AT)
    proposed = 0
    for counter, nights in (await sql.nights_over(tx, hour=NIGHT_HOURS[1], days=NIGHTS_LOOKED_AT)).items():
        proposed += await _propose(tx, counter, judge(nights))
    return proposed


async def _propose(tx: Tx, counter: Counter, drift: Drift | None) -> bool:
    """Whether this is a new proposal; the one that stood is withdrawn where the nights no longer show it."""
    standing = await sql.open_proposal(tx, counter)
    if standing is not None:
        if drift is not None and (standing["correction"], standing["basis"]) == (drift.correction, drift.basis):
            return False
        if not await sql.supersede(tx, standing["id"]):
            return False  # decided meanwhile: its nights are over
    if drift is None:
        return False
    await sql.insert_proposal(tx, new_id("drf", tx.now), counter, drift, _evidence(drift))
    return True


def _evidence(drift: Drift) -> dict[str, Any]:
    return {"in_minus_out": drift.in_minus_out, "nights": [_night(night) for night in drift.nights]}


def _night(night: Night) -> dict[str, Any]:
    return {
        "night": night.night,
        "at": night.at,
        "counted": night.counted,
        "sensed": night.sensed,
        "capacity": night.capacity,
        "entered": night.entered,
        "left": night.left,
    }
