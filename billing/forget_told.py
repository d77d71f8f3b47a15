"""What channels told names vehicles, and is forgotten when nobody asks for it any more; the ledger keeps the money."""

from datetime import timedelta
from typing import Final

from billing.channels.sandbox_book import Book
from billing.sql import callbacks
from kernel.db import Database

FORGET_S: Final = 60.0
KEPT_FOR: Final = timedelta(days=90)
"""Longer than a quarter's disputes take; a channel repeats itself for a day."""
ROWS_MAX: Final = 1_000


async def forget_told(database: Database) -> int:
    """One turn, in two short transactions; how many rows went."""
    async with database.transaction() as tx:
        number = await callbacks.forget(tx, KEPT_FOR, ROWS_MAX)
    async with database.transaction() as tx:
        return number + await Book(tx).forget(KEPT_FOR, ROWS_MAX)
