"""What is promised is not free: once a second availability is told where the number has changed.

It changes by holds and their ends, and by the clock: a promise counts from its lead time on.
"""

from contracts.promises import TellPromised
from kernel.db import Database
from reservation.sql import arrivals as sql


async def tell_promised(database: Database, tell: TellPromised) -> None:
    """One turn. Several processes may do it at once: each looks at what was told last."""
    async with database.transaction(readonly=True) as tx:
        promised = await sql.promised_anew(tx)
    if promised:
        await tell(promised)
