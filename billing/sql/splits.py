"""What the ledger says of the split of charges, and the owners' parts that wait for their time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from kernel.db import Row, Tx

SPLITS_OF: Final = "SELECT kind FROM billing.journal WHERE charge = $1 AND kind IN ('split', 'owner')"
OWNER_WAITS: Final = """
INSERT INTO billing.owner_part (charge, owner, due_at) SELECT id, owner, ends + $2 FROM billing.charge WHERE id = $1
ON CONFLICT ON CONSTRAINT owner_part_key DO NOTHING
"""
OWNERS_DUE: Final = """
SELECT charge FROM billing.owner_part WHERE released_at IS NULL AND due_at <= $1 ORDER BY charge LIMIT $2
"""
RELEASED: Final = "UPDATE billing.owner_part SET released_at = $2 WHERE charge = ANY ($1) AND released_at IS NULL"


async def splits_of(tx: Tx, charge: str) -> frozenset[str]:
    """`split`: what was paid is the operator's and the platform's; `owner`: the owner's part is the owner's."""
    return frozenset(row["kind"] for row in await tx.fetch(SPLITS_OF, charge))


async def owner_waits(tx: Tx, charge: Row, held_for: timedelta) -> None:
    """The owner's part of `charge`, which was split, is the owner's `held_for` after the time it is for."""
    await tx.execute(OWNER_WAITS, charge["id"], held_for)


async def owners_due(tx: Tx, limit: int) -> list[str]:
    """Charges whose owner's part is the owner's by now."""
    return [row["charge"] for row in await tx.fetch(OWNERS_DUE, tx.now, limit)]


async def released(tx: Tx, charges: Sequence[str]) -> None:
    """Their owners have the parts."""
    await tx.execute(RELEASED, list(charges), tx.now)
