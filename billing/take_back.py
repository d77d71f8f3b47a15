"""What was asked for a session that is no longer so: what nobody has paid yet is void; what was paid stays with the
charge, counts for the session that supersedes it, and is given back where that costs less.
"""

from billing.charges import void_charge
from billing.credit import count_later
from billing.session_lifecycle import BILLED, State
from billing.sql import charges
from billing.sql import sessions as sql
from kernel.db import Row, Tx


async def take_back(tx: Tx, row: Row, was: str, *, actor: str) -> None:
    """Of the locked session in `row`, which is corrected or void, and `was` in another state before."""
    if State(was) not in BILLED:
        return
    for charge in await charges.lock(tx, await sql.charges_to_void(tx, row["id"])):
        await void_charge(tx, charge, actor=actor, reason=row["reason"] or row["state"])
    await count_later(tx, row["id"])
