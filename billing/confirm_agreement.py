"""The payment channel is asked whether it collects from a vehicle for which a driver has just agreed.

Until it has answered the agreement is pending. It is asked again for half a minute; after that its own word (a
notification, or the answer to the next entry that it is told of) moves the agreement.
"""

import structlog

from billing.channels.offered import Channels
from billing.channels.protocol import ChannelRefused, Plate, PlateState
from billing.follow_plate import follow_plate
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
            state = await channel.eligibility(vehicle, row["contract"])
        except ChannelRefused as refused:
            log.info("an agreement is not confirmed", agreement=row["id"], error=str(refused))
            state = PlateState.OUT_SERVICE
        async with self._database.transaction() as tx:
            await follow_plate(tx, vehicle, state, channel=row["channel"], at=tx.now, is_of_driver=True)
            await reconsider(tx, self._give_order, plate=row["plate"], color=row["color"])
