"""The device edge: messages off the link, decoded at once, stored many in one transaction, acknowledged in order.

    link --take--> queue --batch--> record_messages, COMMIT --> acknowledge --> publish

Several batches are under way at once, of different car parks: while one waits for the database, another is worked on,
and what comes in is decoded. Invariants: a message is acknowledged after its transaction committed and never before one
that came earlier; nothing is dropped; no message stops the line. A database that is away is asked again with the same
batch; one that undid it in favour of another transaction, at once. A batch that the database or a handler refuses is
halved until the one message that is to blame stands alone, and that one goes to the dead letters.
"""

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from contracts.availability import Availability
from contracts.wire import up_topic
from gateway.arrivals import Arrivals
from gateway.dead_letters import feedback
from gateway.events import Decoded
from gateway.metrics import GatewayMetrics
from gateway.queue import Queue
from gateway.reading import Reading
from gateway.received import Received
from gateway.record import Handlers, Outcome, record_messages
from gateway.refresh_directory import RegistryCopy
from gateway.settings import GatewaySettings
from gateway.taken import Taken
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway
from kernel.db_errors import is_away, is_misfit, is_victim

_log = structlog.get_logger(__name__)

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
"""Full jitter up to this while the database is away: it is noticed soon after it is back."""
STUCK_AFTER: Final = 3
"""Timeouts in a row after which a batch is halved: perhaps it is not the database that is slow."""
BATCH_EVENTS_MIN: Final = 250
"""A transaction that could hold so many is not made smaller to let another begin beside it."""
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
        self._reader = Reading(copy)
        self._handlers = handlers
        self._settings = settings
        self._metrics = metrics
        self._may_store = may_store
        self._queue = Queue(messages_max=settings.queue_messages_max, bytes_max=settings.queue_bytes_max)
        self._arrivals = Arrivals(messages_max=settings.queue_messages_max)
        self._out: tuple[Line, Tell] | None = None
        self._reading = True
        self._stopping = False
        self._changed = asyncio.Event()
        self._next = asyncio.Lock()
        self._events_under_way = 0
        self._began = -math.inf
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
        self._arrivals.add(message)
        self._queue.put(self._reader.take(message))
        self._changed.set()
        self._reading = not (self._queue.full or self._arrivals.full)
        return self._reading

    async def run(self) -> None:
        """Store batch after batch until `stop`; what is queued then stays with the broker."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.transactions_max):
                group.create_task(self._work())

    async def _work(self) -> None:
        while not self._stopping:
            async with self._next:
                batch = await self._next_batch()
            events = sum(taken.events for taken in batch)
            self._events_under_way += events
            self._metrics.messages.inc(len(batch))
            await self._store(list(batch))
            self._events_under_way -= events
            self._queue.release(batch)
            self._changed.set()
            if not self._reading and self._queue.roomy and self._arrivals.roomy and not self._stopping:
                self._reading = True
                self._attached()[0].resume()

    async def _next_batch(self) -> list[Taken]:
        """Wait for something to store, and a moment for company; empty when there will be nothing more."""
        while not self._queue.takeable:
            if self._stopping:
                return []
            self._changed.clear()
            await self._changed.wait()
        pause = self._began + self._settings.linger_ms / 1000 - self._clock.monotonic()
        if pause > 0 and self._queue.events < self._settings.batch_events_max:
            await self._clock.sleep(pause)
        self._began = self._clock.monotonic()
        # A share of all that is known: acknowledgements wait for the slowest batch, and the broker for them.
        share = (self._queue.events + self._events_under_way) // (2 * self._settings.transactions_max)
        return self._queue.take(
            events_max=min(max(share, BATCH_EVENTS_MIN), self._settings.batch_events_max),
            messages_max=self._settings.batch_messages_max,
        )

    def stop(self) -> None:
        """Take nothing more; `run` returns after the batches in flight, at once when the database is away."""
        self._stopping = True
        self._changed.set()

    async def _store(self, batch: list[Taken]) -> bool:
        """Whether all of `batch` is committed; it always is, unless we are to stop while the database is away."""
        failures = 0
        while True:
            outcome, error = await self._attempt(batch)
            if error is None:
                self.database_away = False
                self._attached()[0].acknowledge(self._arrivals.stored(taken.message for taken in batch))
                self._tell(batch, outcome)
                return True
            if is_victim(error):
                self._metrics.retries.labels(cause="victim").inc()
                continue
            failures += 1
            stuck = failures % STUCK_AFTER == 0 and isinstance(error, TimeoutError)
            if is_misfit(error) or (is_away(error) and not (stuck and len(batch) > 1)):
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
            await self._reader.ask_again(batch)
            return await self._commit(batch), None
        except Exception as error:
            return None, error

    async def _commit(self, batch: Sequence[Taken]) -> Outcome | None:
        if not any(taken.events or taken.said.seen for taken in batch):
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
        refused = taken.blame(error)
        reason = refused.said.rejects[0].reason
        _log.error("message_refused", topic=taken.message.topic, reason=reason, why=repr(error), exc_info=error)
        return [refused]

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

    def _attached(self) -> tuple[Line, Tell]:
        if self._out is None:
            raise RuntimeError("attach a line first")
        return self._out
