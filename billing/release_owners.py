"""What owners earned is theirs 48 hours after the stay: long enough for whoever objects."""

from typing import Final

from billing.charges import owed
from billing.freeze_day import parts_due
from billing.ledger import owner_due
from billing.post import post_all
from billing.sql import charges, splits
from kernel.db import Database

PORTION: Final = 200


async def release_owners(database: Database) -> int:
    """Move what is due out of what is pending; of how many charges it was."""
    count = 0
    while True:
        async with database.transaction() as tx:
            due = await splits.owners_due(tx, PORTION)
            journals = []
            for row in await charges.lock(tx, due):
                part = parts_due(row, paid=row["paid"], refunded=row["refunded"]).owner
                if part:
                    journals.append(owner_due(owed(row), row["owner"], part))
            await post_all(tx, journals)
            await splits.released(tx, due)
        count += len(due)
        if len(due) < PORTION:
            return count
