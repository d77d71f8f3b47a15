"""A session is closed when nothing is owed for it any more: with the payment, or by the sweep that misses nothing.

Whoever pays has the charge locked and must not wait for a session, which is locked before its charges: a session that
somebody holds just then is left to the sweep.
"""

from typing import Final

from billing.sql import sweeps as sql
from kernel.db import Database, Row, Tx

CLOSE_S: Final = 30.0
"""How long a session may stay `rated` that was paid while somebody held it, made void, or written off."""
PART_ROWS: Final = 500
"""In one transaction."""


async def close_session_of(tx: Tx, charge: Row) -> None:
    """That of a charge which was just paid."""
    if charge["session"] is not None:
        await sql.close(tx, charge["session"])


async def close_sessions(database: Database) -> int:
    """One sweep; how many were closed."""
    closed = 0
    while True:
        async with database.transaction() as tx:
            part = await sql.close_all(tx, limit=PART_ROWS)
        closed += part
        if part < PART_ROWS:
            return closed
