"""Write journals into the ledger, each once."""

from collections.abc import Sequence

from billing.ledger import Journal
from billing.sql import ledger as sql
from kernel.db import Tx


async def post(tx: Tx, journal: Journal, *, settlement: str | None = None) -> bool:
    """Whether it was written now; False when its key was known: it has happened already.

    The database refuses at the commit what does not sum to zero. A journal of an operator is settled with its business
    day, or with `settlement`, which is over already.
    """
    return bool(await post_all(tx, [journal], settlement=settlement))


async def post_all(tx: Tx, journals: Sequence[Journal], *, settlement: str | None = None) -> frozenset[str]:
    """The keys of those that were written now: the same for many, in two round trips. No key is in it twice."""
    if not journals:
        return frozenset()
    await sql.ensure_summed(tx, [posting for journal in journals for posting in journal.postings])
    return await sql.insert_journals(tx, journals, settlement)
