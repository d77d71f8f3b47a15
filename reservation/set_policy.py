"""An operator says how a car park promises: what is not said is the default. Promises already made keep their terms."""

from contracts.audit import RecordAudit
from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.errors import UnknownCarPark
from reservation.policy import Policy
from reservation.sql import operators as sql


async def set_policy(tx: Tx, caller: Caller, car_park: CarParkId, wanted: Policy, record_audit: RecordAudit) -> Row:
    """The row with the policy as it is stored: only what differs on purpose. Raises UnknownCarPark."""
    own = await sql.own_car_park(tx, car_park, caller)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    said = wanted.model_dump(exclude_unset=True)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="reservation_policy.change",
        subject=f"car-park/{car_park}",
        detail={"policy": said, "before": own["policy"]},
    )
    return await sql.put_policy(tx, car_park, said)
