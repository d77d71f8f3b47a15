"""What cameras posted: kept before they are told 200, understood afterwards, recorded once.

    keep_in_spool (the request's transaction) --200--> the camera, which never sends it again
    SpoolWork.step (a loop beside MQTT): rows -> readings -> record_messages, and the rows go in the same transaction

A crash in between leaves the rows, and whoever looks next records them. A row that the database or a handler refuses
does not stop the line: it goes to the dead letters as a message would.
"""

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from contracts.availability import Availability
from gateway.cameras.topics import hikvision_topic
from gateway.decode import decode
from gateway.directory import Directory
from gateway.errors import SpoolFull
from gateway.metrics import GatewayMetrics
from gateway.notices import tell_recorded, tell_spooled
from gateway.received import Received
from gateway.record import Handlers, Outcome, record_messages
from gateway.refresh_directory import read_cameras
from gateway.sql import spool as sql
from gateway.taken import Taken
from kernel.db import Database, Row, Tx
from kernel.db_errors import is_misfit, will_pass
from kernel.ids import new_id

_log = structlog.get_logger(__name__)

OF_DEVICE_MAX: Final = 1_000
"""A car every four seconds for an hour."""
OF_ALL_MAX: Final = 20_000
"""About 100 MB of events; at 64 KiB each, 1.3 GB."""
ROWS_MAX: Final = 100
"""In one transaction, with as many passages: a tenth of a second."""


async def keep_in_spool(tx: Tx, device: str, event: bytes, event_bytes: int) -> str:
    """Keep an event as it came; its id. Raises SpoolFull."""
    if await sql.is_full(tx, device, of_device_max=OF_DEVICE_MAX, of_all_max=OF_ALL_MAX):
        raise SpoolFull(headers={"Retry-After": "30"})
    spool_id = new_id("spl", tx.now)
    await sql.keep(tx, spool_id, device, event=event, event_bytes=event_bytes)
    await tell_spooled(tx)
    return spool_id


class SpoolWork:
    """Works the spool off, the oldest first; any number of processes may."""

    def __init__(
        self,
        db: Database,
        handlers: Handlers,
        publish: Callable[[Sequence[Availability]], None],
        metrics: GatewayMetrics,
    ) -> None:
        self._db = db
        self._handlers = handlers
        self._publish = publish
        self._metrics = metrics
        self._stuck: set[str] = set()

    async def step(self) -> None:
        """Until nothing waits. Raises what an absent database raises, or one whose schema is not ours."""
        rows_max = ROWS_MAX
        while True:
            rows, error = await self._work(rows_max)
            if not rows:
                return
            if error is None:
                rows_max = min(ROWS_MAX, rows_max * 2)
                continue
            if len(rows) == 1:
                await self._blame(rows[0], error)
            rows_max = 1  # one by one, until the one that is to blame stands alone

    async def _work(self, rows_max: int) -> tuple[Sequence[str], Exception | None]:
        """The ids of the rows that were taken, and why they could not be recorded."""
        ids: Sequence[str] = ()
        try:
            async with self._db.transaction() as tx:
                rows = await sql.take(tx, rows_max, but=self._stuck)
                ids = [row["id"] for row in rows]
                if not ids:
                    return ids, None
                understood = await _understood(tx, rows)
                outcome = await self._record(tx, understood)
                await sql.drop(tx, ids)
        except Exception as error:
            if not ids or will_pass(error) or is_misfit(error):
                raise
            return ids, error
        self._tell(understood, outcome)
        return ids, None

    async def _record(self, tx: Tx, taken: Sequence[Taken]) -> Outcome:
        outcome = await record_messages(tx, self._handlers, taken)
        await tell_recorded(tx, outcome.letters)
        return outcome

    def _tell(self, taken: Sequence[Taken], outcome: Outcome) -> None:
        self._metrics.count(taken, outcome, committed_at=self._db.clock.now())
        self._publish(outcome.availabilities)

    async def _blame(self, spool_id: str, error: Exception) -> None:
        """This row is why the transaction failed: it becomes a dead letter; if it cannot, it is left alone.

        Whoever holds it meanwhile, or has dealt with it, finds out for himself.
        """
        try:
            async with self._db.transaction() as tx:
                row = await sql.lock(tx, spool_id)
                if row is None:
                    return
                _log.error("spooled_event_refused", spool=spool_id, device=row["device"], exc_info=error)
                (understood,) = await _understood(tx, [row])
                refused = understood.blame(error)
                outcome = await self._record(tx, [refused]) if understood.said.facts else None
                await sql.drop(tx, [spool_id])
        except Exception as again:
            if will_pass(again) or is_misfit(again):
                raise
            _log.exception("spooled_event_stuck", spool=spool_id)
            self._stuck.add(spool_id)
            return
        if outcome is not None:
            self._tell([refused], outcome)


async def _understood(tx: Tx, rows: Sequence[Row]) -> list[Taken]:
    """The rows as messages of their devices, with the registry as it is now."""
    directory = Directory(await read_cameras(tx, {row["device"] for row in rows}))
    return [_taken(row, directory) for row in rows]


def _taken(row: Row, directory: Directory) -> Taken:
    message = Received.kept(
        hikvision_topic(row["device"]), row["event"], row["received_at"], payload_bytes=row["event_bytes"]
    )
    said = decode(message.topic, message.payload, message.received_at, directory, payload_bytes=message.payload_bytes)
    return Taken.of(message, said)
