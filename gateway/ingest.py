"""The device edge: messages off the link, decoded at once, stored many in one transaction, acknowledged in order.

    link --take--> queue --batch--> record_messages, COMMIT --> acknowledge --> publish

Decoding happens while the transaction before it waits for the database. Invariants: a message is acknowledged after its
transaction committed and never before one that came earlier; nothing is dropped; no message stops the line. A database
that is away is asked again with the same batch. A batch that the database or a handler refuses is halved until the one
message that is to blame stands alone, and that one goes to the dead letters.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from contracts.availability import Availability
from contracts.wire import up_topic
from gateway.dead_letters import feedback
from gateway.decode import decode
from gateway.directory import ELSEWHERE
from gateway.events import Decoded
from gateway.metrics import GatewayMetrics
from gateway.partition import ECHO_KIND
from gateway.received import Received
from gateway.record import Handlers, Outcome, record_messages
from gateway.refresh_directory import RegistryCopy
from gateway.refusals import CURABLE, Reason, Reject
from gateway.settings import GatewaySettings
from gateway.taken import Queue, Taken
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway, is_away, is_data_error

_log = structlog.get_logger(__name__)

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
"""Full jitter up to this while the database is away: it is noticed soon after it is back."""
STUCK_AFTER: Final = 3
"""Timeouts in a row after which a batch is halved: perhaps it is not the database that is slow."""
OURS: Final = frozenset({"orders", "errors", ECHO_KIND, ELSEWHERE})
"""What a broker sends to us because we listen to every kind: nothing to store, or not for us."""


Tell = Callable[[Sequence[Availability]], None]
"""Publishes availabilities, soon; never waits."""


class Line(Protocol):
    """What ingest needs of the link."""

    def acknowledge(self, messages: Iterable[Received]) -> None: ...
    def resume(self) -> None: ...
    def publish(self, topic: str, payload: bytes) -> None: ...


class Ingest:
    """`take` is called by the link for each message; `run` stores them until `stop`."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        copy: RegistryCopy,
        handlers: Handlers,
        *,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        may_store: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_store` is asked before every transaction; after a no it is tried again, as if the database were away."""
        self._db = db
        self._clock = clock
        self._copy = copy
        self._handlers = handlers
        self._settings = settings
        self._metrics = metrics
        self._may_store = may_store
        self._queue = Queue(messages_max=settings.queue_messages_max, bytes_max=settings.queue_bytes_max)
        self._out: tuple[Line, Tell] | None = None
        self._reading = True
        self._stopping = False
        self._arrived = asyncio.Event()
        self.database_away = False

    def attach(self, line: Line, tell: Tell) -> None:
        """Where to acknowledge, and who tells everyone what changed; before anything is taken."""
        self._out = (line, tell)

    @property
    def queue(self) -> Queue:
        return self._queue

    def take(self, message: Received) -> bool:
        """Decode and queue; whether more may come before the line is told to resume."""
        if self._stopping:
            return False
        self._queue.put(Taken.of(message, self._decode(message)))
        self._arrived.set()
        self._reading = not self._queue.full
        return self._reading

    async def run(self) -> None:
        """Store batch after batch until `stop`; what is queued then stays with the broker."""
        linger_s = self._settings.linger_ms / 1000
        started = -linger_s
        while not self._stopping:
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            pause = started + linger_s - self._clock.monotonic()
            if pause > 0 and self._queue.events < self._settings.batch_events_max:
                await self._clock.sleep(pause)
            started = self._clock.monotonic()
            batch = self._queue.take(
                events_max=self._settings.batch_events_max, messages_max=self._settings.batch_messages_max
            )
            self._metrics.messages.inc(len(batch))
            await self._store(batch)
            if not self._reading and self._queue.roomy and not self._stopping:
                self._reading = True
                self._attached()[0].resume()

    def stop(self) -> None:
        """Take nothing more; `run` returns after the batch in flight, at once when the database is away."""
        self._stopping = True
        self._arrived.set()

    async def _store(self, batch: list[Taken]) -> bool:
        """Whether all of `batch` is committed; it always is, unless we are to stop while the database is away."""
        failures = 0
        while True:
            outcome, error = await self._attempt(batch)
            if error is None:
                self.database_away = False
                self._attached()[0].acknowledge([taken.message for taken in batch])
                self._tell(batch, outcome)
                return True
            failures += 1
            stuck = failures % STUCK_AFTER == 0 and isinstance(error, TimeoutError)
            if is_away(error) and not (stuck and len(batch) > 1):
                if not await self._wait_for_database(error, failures):
                    return False
            elif len(batch) > 1:
                self._metrics.retries.labels(cause="halved").inc()
                middle = len(batch) // 2
                return await self._store(batch[:middle]) and await self._store(batch[middle:])
            else:
                batch = self._blame(batch[0], error)

    async def _attempt(self, batch: list[Taken]) -> tuple[Outcome | None, Exception | None]:
        """One transaction: what it changed, or why it failed. Whatever a handler raises is a value from here on."""
        try:
            if not self._may_store():
                raise DatabaseAway("it has not renewed the lease of our slot")
            await self._ask_again_about_strangers(batch)
            return await self._commit(batch), None
        except Exception as error:
            return None, error

    async def _ask_again_about_strangers(self, batch: list[Taken]) -> None:
        """Before anything is refused as unknown, look into the registry as it is now."""
        strangers = [
            place
            for place, taken in enumerate(batch)
            if taken.said.rejects and any(reject.reason in CURABLE for reject in taken.said.rejects)
        ]
        if strangers:
            await self._look_into_registry()
            for place in strangers:
                message = batch[place].message
                batch[place] = Taken.of(message, self._decode(message))

    async def _look_into_registry(self) -> None:
        """Raises DatabaseAway for whatever is wrong: nobody is refused because we could not look."""
        try:
            await self._copy.refresh()
        except Exception as error:
            raise DatabaseAway(f"the registry cannot be read: {error!r}") from error

    async def _commit(self, batch: Sequence[Taken]) -> Outcome | None:
        if not any(taken.events for taken in batch):
            return None
        started = self._clock.monotonic()
        async with self._db.transaction() as tx:
            outcome = await record_messages(tx, self._handlers, batch)
        self._metrics.commits.observe(self._clock.monotonic() - started)
        return outcome

    def _tell(self, batch: Sequence[Taken], outcome: Outcome | None) -> None:
        """It is committed and acknowledged: what goes wrong with telling about it must not stop the next batch."""
        if outcome is None:
            return
        line, tell = self._attached()
        try:
            self._metrics.count(batch, outcome, committed_at=self._clock.now())
            tell(outcome.availabilities)
            for letter in outcome.letters:
                if letter.operator is not None and letter.car_park is not None:
                    line.publish(up_topic(letter.operator, letter.car_park, "errors"), feedback(letter))
        except Exception:
            _log.exception("telling_failed")

    def _blame(self, taken: Taken, error: Exception) -> list[Taken]:
        """This one message is why the transaction failed: it goes to the dead letters instead."""
        if not taken.said.good:
            # Not even its dead letter can be stored. It must not stop the line: the log keeps what there is.
            _log.error("refused_message_lost", topic=taken.message.topic, why=repr(error), exc_info=error)
            return [Taken.of(taken.message, Decoded(None))]
        reason = Reason.DATABASE_REFUSED if is_data_error(error) else Reason.HANDLER_FAILED
        _log.error("message_refused", topic=taken.message.topic, reason=reason, why=repr(error), exc_info=error)
        # The database's own words may quote rows, plates among them: they stay in our log.
        return [taken.refuse(reason, f"it could not be stored ({type(error).__name__}); the log says more")]

    async def _wait_for_database(self, error: Exception, failures: int) -> bool:
        """Wait before asking again; False when there will be no again."""
        if not self.database_away:
            _log.warning("database_away", why=repr(error), queued=len(self._queue))
        self.database_away = True
        self._metrics.retries.labels(cause="away").inc()
        if self._stopping:
            return False
        ceiling = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(failures, 10))
        await self._clock.sleep(random.uniform(0, ceiling))  # noqa: S311 - spreads load, guards nothing
        return not self._stopping

    def _decode(self, message: Received) -> Decoded:
        directory = self._copy.directory
        if directory.speaker(message.topic).kind in OURS:
            return Decoded(None)
        try:
            return decode(
                message.topic, message.payload, message.received_at, directory, payload_bytes=message.payload_bytes
            )
        except Exception as error:
            # A defect of ours; raised into the link, it would cut the connection and meet the same message again.
            _log.exception("decoder_failed", topic=message.topic)
            return Decoded(None, rejects=(Reject(Reason.HANDLER_FAILED, f"the decoder failed: {error!r}"),))

    def _attached(self) -> tuple[Line, Tell]:
        if self._out is None:
            raise RuntimeError("attach a line first")
        return self._out
