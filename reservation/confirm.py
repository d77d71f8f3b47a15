"""Confirm a hold in time: from then on it is kept, and the terms apply.

One statement moves what can be moved, as this is done most; only where it moves nothing, the row is looked at.
"""

from kernel.db import Row, Tx
from reservation.lifecycle import confirmed
from reservation.sql import reservations as sql
from reservation.steps import current, stepped, write


async def confirm_hold(tx: Tx, reservation: str, *, driver: str | None) -> Row:
    """The confirmed row. Raises UnknownReservation, WrongState."""
    moved = await sql.confirm(tx, reservation, driver=driver)
    if moved is not None:
        return moved
    row, promise = await current(tx, reservation, driver=driver)
    return await write(tx, row, stepped(row, confirmed, promise, tx.now), "confirmed")
