"""Confirm a hold in time: from then on it is kept, and the terms apply."""

from kernel.db import Row, Tx
from reservation.lifecycle import confirmed
from reservation.steps import current, stepped, write


async def confirm_hold(tx: Tx, reservation: str, *, driver: str | None) -> Row:
    """The confirmed row. Raises UnknownReservation, WrongState."""
    row, promise = await current(tx, reservation, driver=driver)
    return await write(tx, row, stepped(row, confirmed, promise, tx.now), "confirmed")
