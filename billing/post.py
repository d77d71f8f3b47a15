"""Write a journal into the ledger, once."""

from billing.ledger import Journal
from billing.sql import ledger as sql
from kernel.db import Tx


async def post(tx: Tx, journal: Journal) -> bool:
    """Whether it was written now; False when its key was known: it has happened already.

    The database refuses at the commit what does not sum to zero.
    """
    await sql.ensure_summed(tx, journal.postings)
    return await sql.insert_journal(tx, journal)
