"""A business day ends: from then on nothing is added to it, and what was paid in it is split.

The day takes its journals, and then its charges are split, in portions, each a transaction of its own, so that nobody
waits long for a charge. Whoever comes after a crash goes on: a journal that was taken is not taken again, and a charge
that was split is found even.
"""

from collections.abc import Sequence
from typing import Final

from billing.charges import owed
from billing.ledger import split_up
from billing.post import post_all
from billing.settlement_lifecycle import State
from billing.split import NOTHING, Parts, given_back, split
from billing.sql import charges, settled, splits
from billing.sql import settlements as sql
from contracts.promises import OWNERS_MONEY_HELD_FOR
from kernel.db import Database, Row, Tx

ITEMS: Final = 20_000
"""Journals that a day takes at a time: less than a second."""
PORTION: Final = 200
"""Charges that are locked and split at a time."""


async def freeze_day(database: Database, settlement: str) -> bool:
    """Whether it was frozen now; not while somebody else does it, or an earlier day is not split."""
    while True:
        async with database.transaction() as tx:
            row = await sql.lock_in(tx, settlement, State.OPEN)
            if row is None or row["ends"] > tx.now or await sql.has_unsplit_before(tx, row["operator"], row["day"]):
                return False
            if await sql.take_items(tx, row, ITEMS) < ITEMS:
                await settled.keep_figures(tx, settlement)
                return await sql.move(tx, row, State.FROZEN) is not None


async def split_day(database: Database, settlement: str) -> None:
    """All of it, and then its figures. Every charge in one transaction with the journal that splits it."""
    after = ""
    while True:
        async with database.transaction() as tx:
            found = await settled.charges_of(tx, settlement, after=after, limit=PORTION)
            await _split(tx, await charges.lock(tx, found), settlement)
        if len(found) < PORTION:
            break
        after = found[-1]
    async with database.transaction() as tx:
        day = await sql.lock(tx, settlement)
        if day is not None and not day["is_split"]:
            await settled.keep_figures(tx, settlement)
            await sql.move(
                tx, day, day["state"], held_in=day["held_in"], is_split=True, held_by_city=day["held_by_city"]
            )


async def _split(tx: Tx, rows: Sequence[Row], settlement: str) -> None:
    """What is not even between what is settled of these charges and whose it is."""
    so_far = await settled.settled(tx, [row["id"] for row in rows])
    journals = []
    for row in rows:
        was = so_far[row["id"]]
        due = parts_due(row, paid=was["paid"], refunded=was["refunded"])
        change = Parts(0, due.operator - was["operator"], due.platform - was["platform"])
        if change != NOTHING:
            journals.append(split_up(owed(row), change, times=settlement if was["is_split"] else ""))
        if due.owner and row["owner"] is not None:
            await splits.owner_waits(tx, row, OWNERS_MONEY_HELD_FOR)
    await post_all(tx, journals, settlement=settlement)


def parts_due(charge: Row, *, paid: int, refunded: int) -> Parts:
    """Whose `paid` fen of `charge` are once `refunded` went back."""
    if paid == 0:
        return NOTHING
    parts = split(paid, owner_share_bp=charge["owner_share_bp"], platform_share_bp=charge["platform_share_bp"])
    return parts - given_back(parts, refunded)
