"""Reminders of what is not paid, level by level, and the end of it: after a year nobody is asked any more.

The sweep in the worker takes them in parts, each a transaction of its own, so that a sweep that dies leaves whole steps
only; rows that somebody else holds are passed over, so that two sweeps at once share the work. Nobody is reminded of
what he objects to, nor of what his payment channel has advanced; and a reminder costs nothing. A charge that a channel
could not collect is tried there once more with each reminder, as long as the vehicle has an agreement.
"""

from typing import Final

from billing.charge_lifecycle import State
from billing.charges import dispute_charge, remind_of_charge, write_off_charge
from billing.sql import reminders as sql
from billing.sql.policies import merged
from kernel.db import Database, Row, Tx
from kernel.jobs import enqueue

PART_ROWS: Final = 100
PARTS_MAX: Final = 50
"""In one sweep; what is left after an outage is the next one's."""
SWEEP_S: Final = 60.0
"""Between two looks: reminders are counted in days."""
COLLECT: Final = "billing.collect"
NOBODY: Final = "billing"


async def remind_all(database: Database) -> int:
    """One sweep; how many charges were reminded of or given up."""
    number = 0
    for _ in range(PARTS_MAX):
        async with database.transaction() as tx:
            rows = await sql.due(tx, PART_ROWS)
            for row in rows:
                await _look_at(tx, row)
        number += len(rows)
        if len(rows) < PART_ROWS:
            break
    return number


async def _look_at(tx: Tx, row: Row) -> None:
    if row["objector"] is not None and row["state"] != State.ADJUSTED:
        await dispute_charge(tx, row, actor=f"driver:{row['objector']}", reason=row["objection"])
        return
    policy = merged(row)
    if policy.is_written_off(row["due_at"], tx.now):
        days = policy.write_off_after_d
        await write_off_charge(tx, row, actor=NOBODY, reason=f"unpaid for {days} days")
        return
    due_again = policy.look_again_at(row["due_at"], level=row["level"])
    if due_again > tx.now:
        await sql.look_later(tx, row, due_again)
        return
    level = row["level"] + 1
    await remind_of_charge(tx, row, level=level, remind_at=policy.look_again_at(row["due_at"], level=level))
    await enqueue(tx, COLLECT, row["id"].encode(), once=f"{COLLECT} {row['id']}")
