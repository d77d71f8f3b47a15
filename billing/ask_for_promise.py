"""The job that reservation leaves behind when a promise ends: ask for it, and have it collected if that was agreed."""

from billing.charge_promise import charge_promise
from billing.exit_decision import COLLECT
from kernel.db import Database
from kernel.jobs import enqueue


async def ask_for_promise(database: Database, reservation: str) -> None:
    """Does nothing where the vehicle's exit has asked for it already: what was decided there holds."""
    async with database.transaction() as tx:
        row = await charge_promise(tx, reservation)
        if row is not None and row["plate"] is not None:
            await enqueue(tx, COLLECT, row["id"].encode(), once=f"{COLLECT} {row['id']}")
