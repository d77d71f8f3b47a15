"""Give every car park that was ever heard its score anew, from its last hours (`occupancy.quality`)."""

from datetime import timedelta
from typing import Final

from contracts.ids import CarParkId
from kernel.db import Database
from kernel.parts import in_parts
from occupancy.quality import WINDOW_H, Quality, rate
from occupancy.settings import OccupancySettings
from occupancy.sql import health as sql

CAR_PARKS_AT_ONCE: Final = 100
"""A day of hours of so many is read and rated in a few dozen milliseconds, and other work gets its turn."""


async def rate_quality(database: Database, settings: OccupancySettings) -> dict[CarParkId, Quality]:
    """Rate the city, some car parks a transaction; what each was given."""
    async with database.transaction(readonly=True) as tx:
        presents = await sql.presents(tx, settings.stale_after)
    given: dict[CarParkId, Quality] = {}
    for some in in_parts(list(presents), CAR_PARKS_AT_ONCE):
        async with database.transaction() as tx:
            hours = await sql.hours_of(tx, some, tx.now - timedelta(hours=WINDOW_H))
            rated = {car_park: rate(hours[car_park], tx.now, presents[car_park]) for car_park in some}
            await sql.put_scores(tx, rated)
        given.update(rated)
    return given
