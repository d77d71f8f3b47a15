"""Close a car park for a while and open it again: it keeps its data, and is `closed` to every driver meanwhile."""

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx
from registry.access import own_car_park
from registry.sql import audit, car_parks


async def close_car_park(tx: Tx, caller: Caller, car_park: CarParkId, *, closed: bool, reason: str | None) -> None:
    """Set the closure; the reason goes when it opens. Raises UnknownCarPark."""
    row = await own_car_park(tx, caller, car_park, lock=True)
    kept = reason if closed else None
    if (row["closed"], row["closed_reason"]) == (closed, kept):
        return
    await car_parks.close_car_park(tx, car_park, closed=closed, reason=kept)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=row["operator"],
        action="car_park.close" if closed else "car_park.open",
        subject=f"car-park/{car_park}",
        detail={"reason": reason},
    )
    await audit.bump_revision(tx)
