"""Every night the counters of the pools are counted anew from the promises: there must be no difference.

A difference is a defect of ours: it is logged with its minutes, counted, and mended. A car park is looked at without a
lock first; only where something differs it is looked at again with its days locked, so that nobody waits for a check
that finds nothing. Days that are over are forgotten.
"""

from datetime import timedelta

import structlog

from contracts.ids import CarParkId
from kernel.db import Database
from reservation.pool_meters import PoolMeters
from reservation.sql import pools, recount

CRON = "23 20 * * *"
"""After four in the morning in Shenyang, when the fewest arrive and leave."""
KEPT_DAYS = 7
"""Counters of days that are over say nothing any more; a week is for whoever looks into a complaint."""

log = structlog.get_logger(__name__)


async def recount_pools(database: Database, meters: PoolMeters) -> int:
    """Count, mend, forget; the number of days that differed."""
    async with database.transaction() as tx:
        await pools.forget(tx, tx.now.date() - timedelta(days=KEPT_DAYS))
        car_parks = await recount.car_parks(tx)
    mended = 0
    for car_park in car_parks:
        async with database.transaction(readonly=True) as tx:
            differs = bool(await recount.differences(tx, car_park))
        if differs:
            mended += await _mend(database, car_park)
    meters.counted(car_parks=len(car_parks), differing_days=mended)
    return mended


async def _mend(database: Database, car_park: CarParkId) -> int:
    async with database.transaction() as tx:
        await recount.lock(tx, car_park)
        found = await recount.differences(tx, car_park)
        if found:
            await recount.mend(tx, car_park, [row["day"] for row in found])
    for row in found:
        log.error("a pool was miscounted", **{**row, "day": row["day"].isoformat()})
    return len(found)
