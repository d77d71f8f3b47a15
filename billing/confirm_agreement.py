"""The payment channel is asked whether it collects from a vehicle for which a driver has just agreed.

A word about the vehicle confirms no driver: only one about the driver's own contract does. Until then the agreement is
pending; asked in vain for half a minute, it stays so, and the driver agrees anew.
"""

import structlog

from billing.channels.offered import Channels
from billing.channels.protocol import ChannelRefused, Plate, PlateState
from billing.eligibility import AgreementState
from billing.errors import VehicleAgreed
from billing.follow_plate import STATES
from billing.reconsider import reconsider
from billing.sql import agreements as sql
from contracts.orders import GiveOrder
from kernel.db import Database

log = structlog.get_logger(__name__)


class ConfirmAgreement:
    """The handler of `billing.agree.CONFIRM`. Raises ChannelAway: it is tried again."""

    def __init__(self, database: Database, channels: Channels, give_order: GiveOrder) -> None:
        self._database = database
        self._give_order = give_order
        self._channels = channels

    async def handle(self, payload: bytes) -> None:
        """Does nothing to an agreement that has ended meanwhile."""
        async with self._database.transaction(readonly=True) as tx:
            row = await sql.read(tx, payload.decode(), driver=None)
        channel = None if row is None else self._channels.known(row["channel"])
        if row is None or channel is None:
            return
        vehicle = Plate(row["plate"], row["color"])
        try:
            said = await channel.eligibility(vehicle, row["contract"])
        except ChannelRefused as refused:
            log.info("an agreement is not confirmed", agreement=row["id"], error=str(refused))
            return
        is_of_driver = row["contract"] is not None or channel is self._channels.sandbox
        if row["state"] == AgreementState.PENDING and not (is_of_driver and said is PlateState.NORMAL):
            log.info("an agreement stays pending", agreement=row["id"], said=said, is_of_driver=is_of_driver)
            return
        try:
            await self._confirm(row["id"], STATES[said])
        except VehicleAgreed:
            log.info("another driver's agreement for the vehicle was confirmed first", agreement=row["id"])

    async def _confirm(self, agreement: str, state: str) -> None:
        async with self._database.transaction() as tx:
            with tx.guard({"agreement_one_for_a_vehicle": VehicleAgreed}):
                row = await sql.confirm(tx, agreement, state)
            if row is not None:
                await reconsider(tx, self._give_order, plate=row["plate"], color=row["color"])
