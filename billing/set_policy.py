"""Whoever runs the city, or a car park, says how it bills: what is not said goes by what is said above it."""

from billing.errors import CityWide, UnknownCarPark
from billing.policy import BillingPolicy
from billing.sql import policies as sql
from contracts.audit import RecordAudit
from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx


async def set_policy(
    tx: Tx, caller: Caller, car_park: CarParkId, wanted: BillingPolicy, record_audit: RecordAudit
) -> None:
    """Of one car park, instead of all that it said before. Raises UnknownCarPark."""
    own = await sql.own_car_park(tx, car_park, caller)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    said = wanted.model_dump(mode="json", exclude_unset=True)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="billing_policy.change",
        subject=f"car-park/{car_park}",
        detail={"policy": said, "before": own["own_policy"]},
    )
    await sql.put(tx, car_park, said)


async def set_city_policy(tx: Tx, caller: Caller, wanted: BillingPolicy, record_audit: RecordAudit) -> None:
    """Of every car park that says nothing else. Raises CityWide."""
    if caller.covered is not None:
        raise CityWide
    before = await sql.city(tx)
    said = wanted.model_dump(mode="json", exclude_unset=True)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=None,
        action="billing_policy.change",
        subject="city",
        detail={"policy": said, "before": None if before is None else before["policy"]},
    )
    await sql.put(tx, sql.CITY, said)
