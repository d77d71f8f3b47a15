"""A channel's word of a vehicle moves its agreement: at once, so that the next exit decides by it."""

from datetime import datetime
from typing import Final

from billing.channels.protocol import Plate, PlateState
from billing.sql import announcements as sql
from kernel.db import Tx

STATES: Final = {
    PlateState.NORMAL: "active",
    PlateState.PAUSE: "paused",
    PlateState.OVERDUE: "overdue",
    PlateState.OUT_SERVICE: "paused",  # the driver has ended it there; here it is the driver's own to end
}


async def follow_plate(tx: Tx, vehicle: Plate, state: PlateState, *, channel: str, at: datetime) -> str | None:
    """The agreement of which it was news. `at` is when the channel said so, which may be before what it said last.

    A word of the vehicle confirms no driver: an agreement that is pending stays so.
    """
    return await sql.follow(tx, vehicle.number, vehicle.color, channel=channel, state=STATES[state], at=at)
