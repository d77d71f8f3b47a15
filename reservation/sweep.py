"""The sweep: deadlines first, then whatever is free to whoever waits. A loop of the worker; any number may run."""

from kernel.db import Database
from reservation.lapse import lapse_all
from reservation.promote import promote_all
from reservation.sql import waits
from reservation.time_meters import TimeMeters


async def sweep(database: Database, meters: TimeMeters) -> None:
    """One turn."""
    await lapse_all(database, meters)
    offers = await promote_all(database)
    async with database.transaction(readonly=True) as tx:
        line = await waits.in_line(tx)
    meters.in_line(line["waiting"], line["offered"], offers=offers)
