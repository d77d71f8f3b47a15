"""Every night the ledger is added up anew: nothing that is kept beside its entries may say anything else."""

from datetime import timedelta
from typing import Final

import structlog

from billing.ledger_differences import EVER, LedgerDiffers, ledger_differences
from billing.settlement_meters import SettlementMeters
from billing.sql import balances
from kernel.db import Database

JOB: Final = "billing.check-ledger"
CRON: Final = "41 20 * * *"
"""After half past four in the morning in Shenyang, when the fewest leave."""
MOVED_WITHIN: Final = timedelta(days=2)
"""A charge that did not move since the night before was looked at then."""

log = structlog.get_logger(__name__)


async def check_ledger(database: Database, meters: SettlementMeters, *, whole: bool = False) -> list[LedgerDiffers]:
    """Lay checkpoints and look; what was found is told as an error each. `whole`: also charges that did not move."""
    async with database.transaction() as tx:
        await balances.lay_checkpoints(tx)
    async with database.transaction(readonly=True) as tx:
        found = await ledger_differences(tx, charges_since=EVER if whole else tx.now - MOVED_WITHIN)
    meters.checked(len(found))
    for one in found:
        subject = "a payer" if one.subject.startswith("payer:") else one.subject  # a plate is in no log
        log.error("the ledger differs", subject=subject, what=one.what, kept=one.kept, by_entries=one.by_entries)
    return found
