"""What a database server says about itself: that it is there, its version, its clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.db import Database

ANSWER: Final = "SELECT 1"

FACTS: Final = "SELECT current_setting('server_version_num')::integer AS version, clock_timestamp() AS clock"
"""`clock_timestamp` goes on within a transaction, whose own time is ours and no news."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`version` as PostgreSQL numbers itself: 150004 is 15.4."""

    version: int
    clock: datetime


async def await_answer(database: Database) -> None:
    """Returns when the server answers. Raises DatabaseAway."""
    async with database.transaction(readonly=True) as tx:
        await tx.fetchval(ANSWER)


async def server_facts(database: Database) -> ServerFacts:
    """Asked now. Raises DatabaseAway."""
    async with database.transaction(readonly=True) as tx:
        row = await tx.fetchrow(FACTS)
    assert row is not None  # noqa: S101 - it has no FROM
    return ServerFacts(row["version"], row["clock"])
