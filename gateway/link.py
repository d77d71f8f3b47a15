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
from gateway.outbox import Delivery, Outbox, Outgoing
from gateway.packets import Fed
from gateway.received import Received
from kernel.clock import Clock

_log = structlog.get_logger(__name__)

BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 15.0
"""Full jitter up to this: 608 clients whose broker restarted spread out, and nobody waits longer than a red light."""
STEADY_AFTER_S: Final = 10.0
"""A connection that lived this long was a good one: the next failure starts the back-off anew."""
PUBLISHES_S_MAX: Final = 2_000
"""More would only repeat car parks within a tenth of a second; what waits coalesces."""
PUBLISH_BURST: Final = 400
OUTBOX_MAX: Final = 5_000
"""Refusals and orders kept while the broker is away."""
DEAF_AFTER_S: Final = 30.0
"""Silence after which we ask the broker to send us something, to see whether it still does."""
ECHO_TIMEOUT_S: Final = 10.0
FAILURE: Final = 0x80
"""Reason codes from here on say no (MQTT 5, section 2.4); 3.1.1 has none."""


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
        self._echo_topic = echo_topic
        self._at_once = acknowledge_at_once
        self._before_connect = before_connect
        self._filters = tuple(session.filters)
        self._consented: frozenset[str] = frozenset()
        self._unwanted: set[str] = set()
        self._subscribing = asyncio.Lock()
        self._connection: Connection | None = None
        self._in_flight: dict[int, Outgoing] = {}
        self._tokens = float(PUBLISH_BURST)
        self._tokens_at = clock.monotonic()
        self._pump_planned = False
        self._stopping = asyncio.Event()
        self._heard = False
        self._greeted = False
        self.ready = False
        """Connected and subscribed."""
        self.outbox = Outbox(others_max=OUTBOX_MAX)
        self.generation = 0
        self.connects = 0
        self.refused_publishes = 0
        self.sessions_lost = 0
        self.fresh_sessions = 0
        """Connections with a session to keep that began without one: nothing waited for us there."""
        self.unacknowledged = 0

    async def run(self) -> None:
        """Connect, stay connected, connect again; returns after `stop`."""
        attempt = 0
        while not self._stopping.is_set():
            await self._permitted()
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
            await self._sleep(pause)

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
        return len(self.outbox) + len(self._in_flight)

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None:
        """Retained; a newer one for the same topic replaces what was not sent yet."""
        self.outbox.put_latest(Outgoing(topic, make, retain=True))
        self._plan_pump(0)

    def publish(self, topic: str, payload: bytes) -> None:
        """Not retained, in order; the oldest gives way when OUTBOX_MAX wait."""
        self.outbox.put(Outgoing(topic, lambda: payload, retain=False))
        self._plan_pump(0)

    def publish_until(self, topic: str, payload: bytes, deadline: datetime, settle: Callable[[Delivery], None]) -> None:
        """Not retained, not after `deadline`, and once: `settle` is told what became of it, never at once."""
        self.outbox.put(Outgoing(topic, lambda: payload, retain=False, deadline=deadline, settle=settle))
        self._plan_pump(0)

    def present_as(self, session: Session, echo_topic: str) -> None:
        """Who we are, for connections from now on; before `run`."""
        self._session, self._echo_topic = session, echo_topic
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

    async def _permitted(self) -> None:
        """Return when we may connect, or are to stop."""
        if self._before_connect is None:
            return
        permission = asyncio.ensure_future(self._before_connect())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([permission, stopping], return_when=asyncio.FIRST_COMPLETED)
            if permission.done():
                permission.result()
        finally:
            permission.cancel()
            stopping.cancel()

    async def _live_once(self) -> str:
        """One connection from its start to its end; why it ended. Raises BrokerAway when it never began."""
        self.generation += 1
        self.unacknowledged = 0
        connection = Connection(self._session, on_message=self._take, on_published=self._published)
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
            self._plan_pump(0)
            await self._subscribe(connection)
            self.ready = True
            watching = asyncio.create_task(self._listen_for_silence(connection))
            return await connection.lost
        finally:
            self.ready = self._greeted = False
            self._connection = None
            self._consented = frozenset()
            connection.abandon("the link moved on")
            if watching is not None:
                watching.cancel()
            unsent, self._in_flight = self._in_flight, {}
            self.outbox.give_back(unsent.values())

    def _take(self, fed: Fed) -> bool:
        self._heard = True
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

    def _published(self, mid: int, reason: int) -> None:
        sent = self._in_flight.pop(mid, None)
        if sent is not None and sent.settle is not None:
            sent.settle(Delivery.REFUSED if reason >= FAILURE else Delivery.TAKEN)
        if reason >= FAILURE and sent is not None:
            self.refused_publishes += 1
            _log.warning("publish_refused", topic=sent.topic, reason=reason)
        if self.outbox:
            self._plan_pump(0)

    def _plan_pump(self, delay_s: float) -> None:
        if not self._pump_planned:
            self._pump_planned = True
            asyncio.get_running_loop().call_later(delay_s, self._pump)

    def _pump(self) -> None:
        """Send what the window and the rate allow; comes back by itself when only the rate was in the way."""
        self._pump_planned = False
        connection = self._connection
        if connection is None or not self._greeted:
            return
        now = self._clock.monotonic()
        self._tokens = min(PUBLISH_BURST, self._tokens + (now - self._tokens_at) * PUBLISHES_S_MAX)
        self._tokens_at = now
        while connection.window_open and self.outbox:
            if self._tokens < 1:
                self._plan_pump(0.02)
                return
            outgoing = self.outbox.take()
            if outgoing is None:
                return
            left_s = self._left_s(outgoing)
            if outgoing.settle is not None and left_s is not None and left_s <= 0:
                outgoing.settle(Delivery.LOST)
                continue
            self._tokens -= 1
            mid = connection.publish(outgoing.topic, outgoing.make(), retain=outgoing.retain, left_s=left_s)
            self._in_flight[mid] = outgoing

    def _left_s(self, outgoing: Outgoing) -> float | None:
        """How long it may still be delivered; None = for ever."""
        return None if outgoing.deadline is None else (outgoing.deadline - self._clock.now()).total_seconds()

    async def _listen_for_silence(self, connection: Connection) -> None:
        """A broker may answer pings and deliver nothing. While nothing is open between us, ask it for an echo."""
        silent_s = 0.0
        while self._echo_topic is not None:
            await self._clock.sleep(1.0)
            silent_s = 0.0 if self._heard or self.unacknowledged else silent_s + 1.0
            self._heard = False
            if silent_s == DEAF_AFTER_S:
                connection.publish(self._echo_topic, b"{}", retain=False)
            elif silent_s >= DEAF_AFTER_S + ECHO_TIMEOUT_S:
                connection.abandon("connected but deaf: the broker answers pings and delivers nothing")
                return

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or wake when stopping."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
