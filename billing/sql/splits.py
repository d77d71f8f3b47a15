"""What the ledger says of the split of charges."""

from typing import Final

from kernel.db import Tx

SPLITS_OF: Final = "SELECT kind FROM billing.journal WHERE charge = $1 AND kind IN ('split', 'owner')"


async def splits_of(tx: Tx, charge: str) -> frozenset[str]:
    """`split`: what was paid is the operator's and the platform's; `owner`: the owner's part is the owner's."""
    return frozenset(row["kind"] for row in await tx.fetch(SPLITS_OF, charge))
