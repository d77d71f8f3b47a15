"""What was asked for a session that is no longer so: what nobody has paid yet is void; what was paid stays with the
charge, counts for the session that supersedes it, and is given back where that costs less.
"""

from billing.charge_lifecycle import OWED, State
from billing.charges import void_charge
from billing.credit import count_later
from billing.sql import charges
from billing.sql import session_lists as sql
from kernel.db import Row, Tx


async def take_back(tx: Tx, row: Row, *, actor: str) -> None:
    """Of the locked session in `row`, which is corrected or void."""
    asked = [charge["id"] for charge in await sql.charges(tx, row["id"])]
    locked = await charges.lock(tx, asked) if asked else []
    for charge in locked:
        if not charge["paid"] and charge["state"] in (State.QUOTED, *OWED):
            await void_charge(tx, charge, actor=actor, reason=row["reason"] or row["state"])
    if any(charge["paid"] for charge in locked):
        await count_later(tx, row["id"])
