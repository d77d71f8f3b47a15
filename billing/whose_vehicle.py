"""Whom a vehicle's charges concern: whoever has its agreement since then, and whoever proves that he drove it.

A plate is written on the vehicle for everybody to read, so it proves nothing; nor does the id of a charge, which a
barrier shows to everybody behind. Who was in the vehicle knows where it drove in, and when.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from billing.errors import ProofRefused
from billing.sql import agreements, charge_lists, disputes
from contracts.vehicles import Vehicle
from kernel.db import Row, Tx

WITHIN: Final = timedelta(minutes=10)
"""Nobody remembers the minute; a stranger who saw the car in the street does not know ten."""


class Proof(Struct, frozen=True):
    """Where the vehicle drove in, and when."""

    car_park: str
    entered_at: datetime


async def proven(tx: Tx, vehicle: Vehicle, proof: Proof) -> None:
    """Raises ProofRefused."""
    pair = (vehicle.plate, vehicle.color)
    if await charge_lists.was_there(tx, proof.car_park, pair, proof.entered_at, WITHIN):
        return
    raise ProofRefused


async def concerns(tx: Tx, charge: Row, driver: str, proof: Proof | None = None) -> bool:
    """Whether `charge` is the driver's to look at: also when he has proved it once, and objected. Raises ProofRefused,
    where he offers proof that is none.
    """
    if charge["driver"] == driver or await disputes.is_of(tx, charge["id"], driver):
        return True
    if charge["plate"] is None or charge["color"] is None:
        return False
    vehicle = Vehicle.model_construct(plate=charge["plate"], color=charge["color"])
    if proof is not None:
        await proven(tx, vehicle, proof)
        return True
    since = await agreed_since(tx, driver, vehicle)
    return since is not None and charge["begins"] >= since


async def agreed_since(tx: Tx, driver: str, vehicle: Vehicle) -> datetime | None:
    """Since when the driver has an agreement for `vehicle`: what was before it may be somebody else's life."""
    row = await agreements.of_vehicle(tx, driver, vehicle)
    since: datetime | None = None if row is None else row["created_at"]
    return since
