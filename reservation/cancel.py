"""Cancel a hold or a confirmed promise: free until the terms say, for a fee afterwards. Whoever waits is offered it."""

from typing import Any

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.lifecycle import State, cancelled
from reservation.promote import offer_freed
from reservation.sql import reservations as sql
from reservation.steps import current, stepped, write


async def cancel_promise(
    tx: Tx, reservation: str, *, driver: str | None, cause: str = "driver", reason: str | None = None
) -> Row:
    """The cancelled row; only a driver's own cancelling costs a fee. `reason` is told to the driver.

    Raises UnknownReservation, WrongState.
    """
    row, promise = await current(tx, reservation, driver=driver)
    terms = sql.terms_of(row)
    costs = promise.state is State.CONFIRMED and cause == "driver"
    fee = terms.cancel_fee(promise.begins, tx.now, row["price"]) if costs else 0
    told: dict[str, Any] = {"cause": cause} if reason is None else {"cause": cause, "reason": reason}
    moved = await write(tx, row, stepped(row, cancelled, promise, tx.now, fee=fee), "cancelled", **told)
    await offer_freed(tx, [CarParkId(row["car_park"])], (row["begins"], row["until"]))
    return moved
