"""A vehicle with an agreement drove in: its channel is told, and tells from then on whether it will pay at the exit."""

from typing import Final

import structlog

from billing.channels.offered import Channels
from billing.channels.protocol import ChannelAway, ChannelRefused, Entry, Plate
from billing.follow_plate import follow_plate
from billing.sql import announcements as sql
from billing.sql import payments
from kernel.db import Database

JOB: Final = "billing.announce"

log = structlog.get_logger(__name__)


class Announce:
    """The job's handler; `payload` is a session's id. Raises ChannelAway: it is tried again a few times, and a charge
    whose entry was never announced is announced with it.
    """

    def __init__(self, database: Database, channels: Channels) -> None:
        self._database = database
        self._channels = channels

    async def handle(self, payload: bytes) -> None:
        """Does nothing where there is no agreement, the channel was told, or it is left alone for a while."""
        session = payload.decode()
        async with self._database.transaction(readonly=True) as tx:
            stay = await sql.stay(tx, session)
            if stay is None or stay["plate"] is None or stay["color"] is None or stay["entry_at"] is None:
                return
            agreement = await payments.agreement(tx, stay["plate"], stay["color"])
            channel = None if agreement is None else self._channels.known(agreement["channel"])
            if channel is None or await sql.known(tx, session, channel.name) is not None:
                return
        patience, clock = self._channels.patience, self._database.clock
        if patience.rest_s(channel.name, clock.monotonic()):
            return
        entry = Entry(
            session=session,
            vehicle=Plate(stay["plate"], stay["color"]),
            car_park=stay["car_park"],
            car_park_name=stay["car_park_name"],
            entry_at=stay["entry_at"],
        )
        try:
            announced = await channel.announce(entry)
        except ChannelRefused as refused:
            log.info("an entry was not announced", session=session, channel=channel.name, error=str(refused))
            return
        except ChannelAway as away:
            patience.failed(channel.name, clock.monotonic())
            log.info("an entry is announced later", session=session, channel=channel.name, error=str(away))
            raise
        patience.answered(channel.name)
        async with self._database.transaction() as tx:
            await sql.keep(tx, session, channel.name, parking_id=announced.parking_id, plate_state=announced.plate)
            await follow_plate(tx, entry.vehicle, announced.plate, channel=channel.name, at=tx.now)
