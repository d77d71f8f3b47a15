"""A driver ends an agreement: from the next exit on his vehicle pays at the barrier. What it owes stays owed."""

from billing.errors import UnknownAgreement
from billing.sql import agreements as sql
from kernel.db import Row, Tx


async def end_agreement(tx: Tx, agreement: str, *, driver: str) -> Row:
    """The row afterwards. Raises UnknownAgreement."""
    row = await sql.end(tx, agreement, driver=driver)
    if row is None:
        raise UnknownAgreement(agreement=agreement)
    return row
