"""A driver agrees: what his vehicle owes when it has left is collected by a payment channel.

That the vehicle is his is for the channel to prove, which knows whom it collects from. Until it has, the agreement is
pending: it gives no credit, shows nothing, and keeps nobody else from the vehicle. The sandbox takes everybody's word,
and is asked all the same.
"""

from typing import Final

from billing.eligibility import AgreementState
from billing.errors import VehicleAgreed
from billing.sql import agreements as sql
from contracts.vehicles import Vehicle
from kernel.db import Row, Tx
from kernel.ids import new_id
from kernel.jobs import enqueue

CONFIRM: Final = "billing.confirm"
"""The job that asks the channel; its payload is the agreement's id."""


async def agree(
    tx: Tx, driver: str, vehicle: Vehicle, *, channel: str, contract: str | None, is_confirmed: bool
) -> Row:
    """The agreement; once it is confirmed, `vehicle` is no other driver's. Raises VehicleAgreed."""
    with tx.guard({"agreement_one_for_a_vehicle": VehicleAgreed, "agreement_pending_once": VehicleAgreed}):
        row = await sql.insert(
            tx,
            new_id("agr", tx.now),
            driver=driver,
            vehicle=vehicle,
            channel=channel,
            contract=contract,
            state=AgreementState.ACTIVE if is_confirmed else AgreementState.PENDING,
        )
    if row is None:
        raise VehicleAgreed
    await enqueue(tx, CONFIRM, row["id"].encode())
    return row
