"""Wait no longer. An offer that was made is given back, and the next one has it."""

from kernel.db import Tx
from reservation.cancel import cancel_promise
from reservation.errors import UnknownWait, WrongState
from reservation.sql import reservations
from reservation.sql import waits as sql
from reservation.steps import seen_now


async def leave_waiting(tx: Tx, wait: str, *, driver: str) -> None:
    """Whoever has left before has left. Raises UnknownWait, WrongState when the offer was taken."""
    row = await sql.read(tx, wait, driver=driver)
    if row is None:
        raise UnknownWait(wait=wait)
    offer = row["reservation"]
    kept = None if offer is None else await reservations.lock(tx, offer, driver=driver)
    if kept is not None and kept["confirmed_at"] is not None:
        raise WrongState(f"the offer was confirmed: cancel {offer}", wait=wait, reservation=offer)
    # The reservation is locked before the wait, as everywhere; the wait ends as left, not as lapsed.
    await sql.end(tx, wait, "left")
    if kept is not None and seen_now(tx, kept).is_active:
        await cancel_promise(tx, kept["id"], driver=driver)
