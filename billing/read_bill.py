"""Read a channel's bill of a day: by the hourly settlement, or once more because somebody asks."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from billing.channels.protocol import ChannelAway, ChannelRefused, PaymentChannel
from billing.take_bill import take_bill
from kernel.db import Database, Tx
from kernel.jobs import enqueue

JOB: Final = "billing.read-bill"

log = structlog.get_logger(__name__)


async def read_bill(database: Database, zone: ZoneInfo, channel: PaymentChannel, day: date) -> bool:
    """Whether it is there: not while the channel makes it up, or cannot be reached."""
    try:
        lines = await channel.bill(day)
    except (ChannelAway, ChannelRefused) as error:
        log.warning("a channel's bill cannot be had", channel=channel.name, day=day.isoformat(), error=str(error))
        return False
    if lines is None:
        return False
    await take_bill(database, channel.name, day, lines, zone)
    return True


async def ask_for_bill(tx: Tx, channel: str, day: date) -> None:
    """Have it read once more: what is new in it is taken, what is known stays."""
    said = f"{channel} {day.isoformat()}"
    await enqueue(tx, JOB, said.encode(), once=said)


class ReadBill:
    """The job."""

    def __init__(self, database: Database, zone: ZoneInfo, channels: Sequence[PaymentChannel]) -> None:
        self._database = database
        self._zone = zone
        self._channels = {channel.name: channel for channel in channels}

    async def handle(self, payload: bytes) -> None:
        """Of a channel that is not configured any more, nothing is read."""
        name, _, day = payload.decode().partition(" ")
        channel = self._channels.get(name)
        if channel is not None:
            await read_bill(self._database, self._zone, channel, date.fromisoformat(day))
