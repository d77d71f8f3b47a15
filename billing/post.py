"""Write a journal into the ledger, once."""

from billing.ledger import Journal
from billing.sql import ledger as sql
from kernel.db import Tx


async def post(tx: Tx, journal: Journal, *, settlement: str | None = None) -> bool:
    """Whether it was written now; False when its key was known: it has happened already.

    The database refuses at the commit what does not sum to zero. A journal of an operator is settled with its business
    day, or with `settlement`, which is over already.
    """
    await sql.ensure_summed(tx, journal.postings)
    return await sql.insert_journal(tx, journal, settlement)
