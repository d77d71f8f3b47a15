"""One connection to a broker on the asyncio loop, from TCP to its end. `link` makes it last.

Invariant: nothing here decides when a message is acknowledged, and a broken message never leaves an exception in the
loop: the connection is closed and `lost` says why.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog

from gateway.address import BrokerAddress, Session
from gateway.dial import dial
from gateway.mqtt import ProtocolClient
from gateway.packets import Fed, MalformedPacket, PacketReader, puback
from kernel.parts import in_parts

_log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
"""TCP with TLS, CONNACK and SUBACK each: a broker that needs longer is better tried again."""
READS_PER_TURN_MAX: Final = 4
"""Then the loop gets its turn: about 8 ms of decoding at most."""
FILTERS_PER_PACKET: Final = 100
"""A SUBSCRIBE of a few kilobytes, which every broker takes."""
ANSWERS_S_MAX: Final = 0.5
CLOSE_S_MAX: Final = 1.5
"""A stop has ten seconds in all, and the transaction in flight comes first."""
WINDOW_MAX: Final = 200
"""Unacknowledged messages of ours in flight; more would only make the broker buffer."""


class BrokerAway(ConnectionError):
    """The broker cannot be reached, refused us, or was lost; the message says which."""


class Connection:
    """One connection, from TCP to its end. `lost` is done, with the reason, when it is over."""

    def __init__(
        self, session: Session, *, on_message: Callable[[Fed], bool], on_published: Callable[[int, int], None]
    ) -> None:
        """`on_message` answers whether more may come before `resume`; `on_published(mid, reason)` tells of a PUBACK."""
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader(
            mqtt5=session.protocol == "5",
            on_publish=on_message,
            on_puback=self._acknowledged,
            on_other=self._hand_to_paho,
        )
        self._on_published = on_published
        self._in_flight: set[int] = set()
        self._answered = asyncio.Event()
        self._answered.set()
        self._window = WINDOW_MAX
        self._paused = False
        self._rest_waits = False
        self._heard = False
        self._flush_planned = False
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._subscribed: asyncio.Future[None] | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._client = ProtocolClient(session, self)
        self._misc: asyncio.TimerHandle | None = None

    async def connect(self, address: BrokerAddress) -> bool:
        """TCP, TLS, CONNECT; whether the broker still had our session. Raises BrokerAway."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                self._client.handed_socket = await dial(address, self._session.ca_file)
            self._client.start(address)
            self._tick()
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._connected
        except (OSError, TimeoutError) as error:
            raise self._away(address, error) from error

    async def subscribe(self, address: BrokerAddress, filters: Sequence[str]) -> None:
        """Returns with the broker's consent. Raises BrokerAway when it refuses or says nothing. One call at a time.

        Its answer stands in line behind everything it kept for us: as long as that comes in, or waits because we do
        not read, the broker is not silent.
        """
        for some in in_parts(filters, FILTERS_PER_PACKET):
            if self.lost.done():
                raise BrokerAway(self.lost.result())
            await self._subscribe_some(address, some)

    async def _subscribe_some(self, address: BrokerAddress, filters: Sequence[str]) -> None:
        consent = self._subscribed = self._loop.create_future()
        self._client.subscribe_all(filters)
        while not consent.done():
            self._heard = False
            await asyncio.wait([consent], timeout=CONNECT_TIMEOUT_S)
            if not (consent.done() or self._heard or self._paused):
                raise self._away(address, TimeoutError())
        try:
            consent.result()
        except BrokerAway as error:
            raise self._away(address, error) from error

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Ask the broker to send no more of these; its answer changes nothing for us."""
        for some in in_parts(filters, FILTERS_PER_PACKET):
            if not self.lost.done():
                self._client.unsubscribe_all(some)

    def _away(self, address: BrokerAddress, error: Exception) -> BrokerAway:
        why = str(error) or "no answer in time"
        self.abandon(why)
        return BrokerAway(f"{address.host}:{address.port}: {why}")

    @property
    def window_open(self) -> bool:
        return len(self._in_flight) < self._window and not self.lost.done()

    def publish(self, topic: str, payload: bytes, *, retain: bool, left_s: float | None = None) -> int:
        """Send with QoS 1; the message id under which `on_published` tells of it.

        A broker that speaks MQTT 5 delivers it within `left_s`, in whole seconds but at least one, or not at all.
        """
        mid = self._client.next_mid(self._in_flight)
        self._in_flight.add(mid)
        self._answered.clear()
        self._client.send_publish(mid, topic, payload, retain, expiry_s=None if left_s is None else max(1, int(left_s)))
        return mid

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Send PUBACKs in the order given."""
        if not self.lost.done():
            self._client.send_raw(b"".join([puback(mid) for mid in mids]))

    def resume(self) -> None:
        """Read on after `on_message` said stop. The time in which we did not listen is not held against the broker."""
        if self._paused and not self.lost.done() and not self._client.gone:
            self._paused = False
            self._rest_waits = True
            self._client.forgive_silence()
            self._loop.add_reader(self._client.fileno(), self._readable)
            self._loop.call_soon(self._readable)

    async def close(self) -> None:
        """Say DISCONNECT, so that no will is published, and wait until it is written. Returns within two seconds.

        First the broker's answers to what we published are heard: a socket that is closed with something unread in it
        is reset, and the broker would lose what it has not read of our acknowledgements.
        """
        if not self._paused and not self.lost.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWERS_S_MAX):
                    await self._answered.wait()
        if not self.lost.done():
            self._client.disconnect()
            try:
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self.lost
            except TimeoutError:
                self.abandon("closed")

    def abandon(self, why: str) -> None:
        """Drop the socket without a word."""
        if not self.lost.done():
            self.lost.set_result(why)
        if self._misc is not None:
            self._misc.cancel()
        self.refused(why)
        self._client.drop_socket()

    # What paho and the loop call.

    def socket_opened(self) -> None:
        self._loop.add_reader(self._client.fileno(), self._readable)

    def socket_closed(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)

    def wants_write(self) -> None:
        """Not at once: what is queued in this turn of the loop leaves in one go."""
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._flush)

    def connected(self, *, resumed: bool, window: int) -> None:
        self._window = min(self._window, window)
        if not self._connected.done():
            self._connected.set_result(resumed)

    def refused(self, why: str) -> None:
        for waiter in (self._connected, self._subscribed):
            if waiter is not None and not waiter.done():
                waiter.set_exception(BrokerAway(why))
                waiter.exception()

    def subscribed(self, refusals: list[str]) -> None:
        if refusals:
            self.refused(f"the broker refused the subscription: {', '.join(refusals)}")
        elif self._subscribed is not None and not self._subscribed.done():
            self._subscribed.set_result(None)

    def disconnected(self, why: str) -> None:
        self._loop.call_soon(self.abandon, why)

    def _hand_to_paho(self, command: int, packet: bytes) -> None:
        failure = self._client.handle(command, packet)
        if failure is not None:
            self.abandon(failure)

    def _acknowledged(self, mid: int, reason: int) -> None:
        self._in_flight.discard(mid)
        if not self._in_flight:
            self._answered.set()
        self._on_published(mid, reason)

    def _readable(self) -> None:
        if self._paused or self.lost.done() or self._client.gone:
            return
        try:
            more = not self._rest_waits or self._reader.feed(b"")
            self._rest_waits = False
            for _ in range(READS_PER_TURN_MAX):
                if not more:
                    self._pause()
                    return
                chunk = self._client.receive()
                self._heard = True
                more = self._reader.feed(chunk)
            self._loop.call_soon(self._readable)  # TLS may hold bytes that the socket no longer shows
        except BlockingIOError:
            return
        except (OSError, MalformedPacket) as error:
            self.abandon(str(error) or type(error).__name__)
        except Exception as error:
            _log.exception("mqtt_receive_failed")
            self.abandon(f"a packet could not be handled: {error!r}")

    def _pause(self) -> None:
        """Read no further: the kernel's buffer and then the broker hold the rest."""
        self._paused = True
        if not self._client.gone:
            self._loop.remove_reader(self._client.fileno())

    def _flush(self) -> None:
        self._flush_planned = False
        if self._client.gone:
            return
        self._client.loop_write()
        if self._client.want_write() and not self._client.gone:
            self._loop.add_writer(self._client.fileno(), self._flush)

    def writes_done(self, fd: int) -> None:
        self._loop.remove_writer(fd)

    def _tick(self) -> None:
        """Once a second: ping when it is time, notice that nobody answers."""
        if self.lost.done():
            return
        if self._paused:
            self._client.ping_unheard()
        else:
            self._client.loop_misc()
        self._misc = self._loop.call_later(1.0, self._tick)
