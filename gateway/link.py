"""A connection that lasts: connects again and again, and keeps apart what belongs to which connection.

The gateway takes devices' messages through it and the API process the public availabilities. What is to be published
waits in the outbox while there is no connection. Each connection has a generation: an acknowledgement for an earlier
one is dropped, since the broker sends that message again anyway.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import structlog

from gateway.address import BrokerAddress, Session
from gateway.connection import BrokerAway, Connection
from gateway.echo import EchoWatch
from gateway.outbox import Delivery, Outbox, Outgoing
from gateway.packets import Fed
from gateway.received import Received
from gateway.sender import Sender
from kernel.clock import Clock, sleep_or_woken

_log = structlog.get_logger(__name__)

BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 15.0
"""Full jitter up to this: 608 clients whose broker restarted spread out, and nobody waits longer than a red light."""
STEADY_AFTER_S: Final = 10.0
"""A connection that lived this long was a good one: the next failure starts the back-off anew."""
OUTBOX_MAX: Final = 5_000
"""Refusals and orders kept while the broker is away."""


class Link:
    """Runs until stopped. `on_message` takes a message and answers whether more may come before `resume`."""

    def __init__(
        self,
        address: BrokerAddress,
        session: Session,
        clock: Clock,
        *,
        on_message: Callable[[Received], bool],
        echo_topic: str | None = None,
        acknowledge_at_once: bool = False,
        before_connect: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`echo_topic` lies within `session.filters` and finds out whether a silent broker still delivers.

        `before_connect` is awaited before every connection; what it raises ends `run`.
        """
        self._address = address
        self._session = session
        self._clock = clock
        self._on_message = on_message
        self._at_once = acknowledge_at_once
        self._before_connect = before_connect
        self._filters = tuple(session.filters)
        self._consented: frozenset[str] = frozenset()
        self._unwanted: set[str] = set()
        self._subscribing = asyncio.Lock()
        self._connection: Connection | None = None
        self._stopping = asyncio.Event()
        self._greeted = False
        self.ready = False
        """Connected and subscribed."""
        self.outbox = Outbox(others_max=OUTBOX_MAX)
        self._sender = Sender(self.outbox, clock)
        self._echo = EchoWatch(clock, waiting=lambda: self.unacknowledged > 0)
        self._echo.topic = echo_topic
        self.generation = 0
        self.connects = 0
        self.sessions_lost = 0
        self.fresh_sessions = 0
        """Connections with a session to keep that began without one: nothing waited for us there."""
        self.unacknowledged = 0

    async def run(self) -> None:
        """Connect, stay connected, connect again; returns after `stop`."""
        attempt = 0
        while not self._stopping.is_set():
            if self._before_connect is not None:
                await self._unless_stopping(self._before_connect())
            if self._stopping.is_set():
                return
            started = self._clock.monotonic()
            try:
                why = await self._live_once()
            except BrokerAway as away:
                why = str(away)
            if self._stopping.is_set():
                return
            attempt = 0 if self._clock.monotonic() - started > STEADY_AFTER_S else attempt + 1
            ceiling = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(attempt, 10))
            pause = random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing
            _log.warning("broker_away", why=why, again_in_s=round(pause, 2))
            await sleep_or_woken(self._clock, pause, self._stopping)

    async def stop(self) -> None:
        """Write what was acknowledged, say DISCONNECT. Within two seconds."""
        self._stopping.set()
        connection = self._connection
        if connection is not None and self._greeted:
            await connection.close()
        elif connection is not None:
            connection.abandon("stopped")

    def acknowledge(self, messages: Iterable[Received]) -> None:
        """Tell the broker that these are ours now; in arrival order, those of this connection only."""
        connection = self._connection
        if connection is None:
            return
        mids = [message.mid for message in messages if message.generation == self.generation and message.qos]
        self.unacknowledged -= len(mids)
        connection.acknowledge(mids)

    def resume(self) -> None:
        """Read on after `on_message` said stop."""
        if self._connection is not None:
            self._connection.resume()

    @property
    def unconfirmed(self) -> int:
        """Messages of ours that wait, or are under way without the broker's acknowledgement."""
        return self._sender.unconfirmed

    @property
    def refused_publishes(self) -> int:
        """Messages of ours that a broker said no to."""
        return self._sender.refused

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None:
        """Retained; a newer one for the same topic replaces what was not sent yet."""
        self.outbox.put_latest(Outgoing(topic, make, retain=True))
        self._sender.plan()

    def publish(self, topic: str, payload: bytes) -> None:
        """Not retained, in order; the oldest gives way when OUTBOX_MAX wait."""
        self.outbox.put(Outgoing(topic, lambda: payload, retain=False))
        self._sender.plan()

    def publish_until(self, topic: str, payload: bytes, deadline: datetime, settle: Callable[[Delivery], None]) -> None:
        """Not retained, not after `deadline`, and once: `settle` is told what became of it, never at once."""
        self.outbox.put(Outgoing(topic, lambda: payload, retain=False, deadline=deadline, settle=settle))
        self._sender.plan()

    def present_as(self, session: Session, echo_topic: str) -> None:
        """Who we are, for connections from now on; before `run`."""
        self._session, self._echo.topic = session, echo_topic
        self._filters = tuple(session.filters)

    async def listen_to(self, filters: Sequence[str], *, never_to: Iterable[str] = ()) -> bool:
        """Subscribe to exactly `filters`, now or with the next connection; whether the broker has consented by now.

        `never_to` is what the broker may still hold from an earlier process.
        """
        dropped = set(self._filters).union(never_to).difference(filters)
        self._filters = tuple(filters)
        connection = self._connection
        if connection is not None and self.ready:
            connection.unsubscribe(sorted(dropped - self._unwanted))
            self._consented -= dropped
        self._unwanted = (self._unwanted | dropped).difference(filters)
        if connection is None or not self.ready:
            return False
        try:
            await self._subscribe(connection)
        except BrokerAway:
            return False
        return self._consented.issuperset(filters)

    async def _subscribe(self, connection: Connection) -> None:
        """Bring the broker's session to what is wanted. Raises BrokerAway."""
        async with self._subscribing:
            if not self.ready:
                connection.unsubscribe(sorted(self._unwanted))
            wanted = self._filters
            new = [topic for topic in wanted if topic not in self._consented]
            await connection.subscribe(self._address, new)
            if connection is self._connection:
                self._consented |= frozenset(new)

    async def _unless_stopping(self, waited: Awaitable[None]) -> None:
        """Return when `waited` is over or we are to stop. Raises what it raises."""
        work = asyncio.ensure_future(waited)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            stopping.cancel()

    async def _live_once(self) -> str:
        """One connection from its start to its end; why it ended. Raises BrokerAway when it never began."""
        self.generation += 1
        self.unacknowledged = 0
        connection = Connection(self._session, on_message=self._take, on_published=self._sender.published)
        self._connection = connection
        watching: asyncio.Task[None] | None = None
        try:
            resumed = await connection.connect(self._address)
            self._greeted = True
            self.connects += 1
            self.fresh_sessions += bool(self._session.expiry_s and not resumed)
            if self._session.expiry_s and not resumed and self.connects > 1:
                self.sessions_lost += 1
                _log.warning("session_lost", hint="what the broker kept for us is gone; gaps in seq tell what")
            _log.info("broker_connected", generation=self.generation, session_resumed=resumed)
            self._sender.begin(connection)
            await self._subscribe(connection)
            self.ready = True
            watching = asyncio.create_task(self._echo.watch(connection))
            return await connection.lost
        finally:
            self.ready = self._greeted = False
            self._connection = None
            self._consented = frozenset()
            connection.abandon("the link moved on")
            if watching is not None:
                watching.cancel()
            self._sender.end()

    def _take(self, fed: Fed) -> bool:
        self._echo.heard()
        if fed.qos and not self._at_once:
            self.unacknowledged += 1
        message = Received(
            fed.topic,
            fed.payload,
            fed.payload_bytes,
            fed.qos,
            fed.mid,
            fed.retain,
            self.generation,
            self._clock.now(),
        )
        more = self._on_message(message)
        if fed.qos and self._at_once and self._connection is not None:
            self._connection.acknowledge((fed.mid,))
        return more
