"""Tell Prometheus how many stays wait for a person, and how long one waits for its price."""

from billing.session_meters import SessionMeters
from billing.sql import sweeps as sql
from kernel.db import Database


async def count_waiting(database: Database, meters: SessionMeters) -> None:
    """As it is now."""
    async with database.transaction(readonly=True) as tx:
        by_state, unbilled_s = await sql.waiting(tx)
    meters.waiting(by_state, unbilled_s=unbilled_s)
