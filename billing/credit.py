"""What was paid for a stay as it was before it was put right counts for it; what is too much goes back by itself.

The giving back is a job of its own (`billing.credit`, payload: the session): it locks payments, which must not wait
for a gateway's batch.
"""

from typing import Final

import structlog

from billing.errors import NothingToRefund
from billing.session_lifecycle import State
from billing.sql import credit as sql
from billing.start_refund import start_refund
from kernel.db import Database, Tx
from kernel.jobs import enqueue

JOB: Final = "billing.credit"
_HOLDS: Final = frozenset({State.OPEN, State.EXITED})
"""What it costs will be known: what was paid waits for it."""
_COSTS: Final = frozenset({State.RATED, State.CLOSED})

_log = structlog.get_logger(__name__)


async def count_later(tx: Tx, session: str) -> None:
    """Once this is committed, look whether too much was paid."""
    await enqueue(tx, JOB, session.encode(), once=f"{JOB} {session}")


async def give_back_excess(database: Database, session: str) -> None:
    """The job: start the refunds of what was paid for the stay of `session`, in all its versions, beyond its price."""
    async with database.transaction() as tx:
        stay = await sql.versions_of(tx, session)
        if not stay or State(stay[0]["state"]) in _HOLDS:
            return
        head = stay[0]
        costs = head["amount"] if State(head["state"]) in _COSTS and head["reservation"] is None else 0
        paid = await sql.paid_for(tx, [row["id"] for row in stay])
        excess = sum(row["left"] for row in paid) - costs
        for row in paid:
            part = min(excess, row["left"])
            if part <= 0:
                break
            try:
                await start_refund(tx, row["id"], part, reason="the stay was put right", actor="billing")
            except NothingToRefund as nothing:
                _log.warning("cannot be given back", charge=row["id"], why=str(nothing))
                continue
            excess -= part
