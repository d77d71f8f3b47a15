"""The versions of a stay that was put right, and what was paid for them."""

from collections.abc import Sequence
from typing import Final

from kernel.db import Row, Tx

VERSIONS: Final = """
    -- From the first that `$1` goes back to, down to the one that stands: one supersedes another.
    WITH RECURSIVE back (id, supersedes) AS (
        SELECT id, supersedes FROM billing.session WHERE id = $1
        UNION
        SELECT session.id, session.supersedes FROM billing.session JOIN back ON session.id = back.supersedes
    ), versions (id, depth) AS (
        SELECT id, 0 FROM back WHERE supersedes IS NULL
        UNION ALL
        SELECT session.id, depth + 1 FROM billing.session JOIN versions ON session.supersedes = versions.id
    )
    SELECT session.id, session.state, session.amount, session.reservation
    FROM billing.session JOIN versions USING (id)
    ORDER BY versions.depth DESC, session.id FOR NO KEY UPDATE OF session
"""


async def versions_of(tx: Tx, session: str) -> list[Row]:
    """All versions of the stay, locked, the one that stands first."""
    return await tx.fetch(VERSIONS, session)


PAID_FOR: Final = """
    SELECT charge.id, charge.paid - coalesce((
        SELECT sum(refund.amount) FROM billing.refund WHERE refund.charge = charge.id AND refund.state <> 'failed'
    ), 0)::bigint AS left
    FROM billing.charge WHERE charge.session = ANY ($1) AND charge.paid > 0 ORDER BY charge.id DESC
"""


async def paid_for(tx: Tx, sessions: Sequence[str]) -> list[Row]:
    """Charges of these sessions, and what of each was paid and is not on its way back; the last one first."""
    return await tx.fetch(PAID_FOR, list(sessions))
