"""The trend: how much more is free than a quarter of an hour ago.

In two steps, so that no row is locked while all are looked at: find whose trend moved, then take it over.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.record import Recorder
from occupancy.sql import standings as sql
from occupancy.sql import upkeep as reading

TREND_OVER: Final = timedelta(minutes=15)
TREND_LOOKS_BACK: Final = timedelta(days=1)
"""A car park without a sample for a day before that has no trend: the search stays within two partitions."""


async def find_trends(tx: Tx) -> dict[CarParkId, int]:
    """How much more is free than a quarter of an hour ago, where that is not what was told."""
    then = tx.now - TREND_OVER
    rows = await reading.trends(tx, then, then - TREND_LOOKS_BACK)
    return {CarParkId(row["car_park"]): row["change"] for row in rows if row["trend"] != row["change"]}


async def set_trends(tx: Tx, recorder: Recorder, found: Mapping[CarParkId, int]) -> list[Availability]:
    """Take over trends that were `found`."""
    standings = await sql.lock_standings(tx, sorted(found))
    before = {car_park: standing.told for car_park, standing in standings.items()}
    for car_park, change in found.items():
        standings[car_park].trend = change
    return await recorder.conclude(tx, standings, before)
