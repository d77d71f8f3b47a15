"""A vehicle that nobody saw leave for long is suspect: its exit was missed, most likely. Healed when that comes."""

from typing import Final

from billing.sql import sweeps as sql
from kernel.db import Database

DOUBT_S: Final = 60.0
"""Between two sweeps; nothing waits for them."""
PART_ROWS: Final = 500
"""In one transaction."""


async def doubt_sessions(database: Database) -> int:
    """One sweep; how many became suspect. Policy says after how many hours."""
    doubted = 0
    while True:
        async with database.transaction() as tx:
            part = await sql.doubt(tx, limit=PART_ROWS)
        doubted += part
        if part < PART_ROWS:
            return doubted
