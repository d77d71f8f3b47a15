"""The simulators' voice: a publisher on the asyncio loop that never has more than a few messages unacknowledged.

paho's four socket hooks put its socket on our loop, so there is no thread. Whoever publishes waits while
`in_flight_max` messages are unacknowledged: back-pressure, never a queue that grows. A message is published once the
broker's PUBACK came; over a cut it stays in paho's hands, which sends it again (with DUP) after the reconnection.
"""

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from msgspec import Struct
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, CleanStartOption, Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from simulators.broker_address import broker_address
from simulators.clock import Clock
from simulators.ledger import Ledger

_log = logging.getLogger(__name__)

IN_FLIGHT_MAX: Final = 100
"""Unacknowledged messages per connection: enough to hide the round trip, few enough to be sent again after a cut."""
_KEEP_ALIVE_S: Final = 30
_BACK_OFF_S_MIN: Final = 0.25
_BACK_OFF_S_MAX: Final = 15.0  # a broker that restarts is found again within this, by everyone at different moments
_CONNECT_S_MAX: Final = 5.0  # connecting blocks the loop; a black hole must not for long
_FAREWELL_S_MAX: Final = 2.0
_SEND_BUFFER_BYTES: Final = 1024 * 1024
OPEN_S_MAX: Final = 45.0
"""A broker that starts beside us, or is started again, lets us in within this time."""

MqttVersion = Literal["3.1.1", "5"]
_PROTOCOLS: Final = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}

Hear = Callable[[str, bytes], None]
"""Called with topic and payload of what came down; must only take note, never wait."""


class BrokerSilent(ConnectionError):
    """The broker did not let us in within the time that was asked; the message says where and how long."""


class Will(Struct, frozen=True):
    """What the broker says for us, retained, when the connection dies."""

    topic: str
    payload: bytes


class WireClient:
    """One connection to the broker at `url` (`simulators.broker_address`), kept up until `close`."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        client_id: str,
        filters: Sequence[str] = (),
        hear: Hear | None = None,
        will: Will | None = None,
        in_flight_max: int = IN_FLIGHT_MAX,
        ledger: Ledger | None = None,
        mqtt_version: MqttVersion = "3.1.1",
    ) -> None:
        """`filters` are subscribed at every connection; `ledger` hears of every message and its acknowledgement."""
        address = broker_address(url)
        self.connections = 0
        self._where = str(address)
        self._clock = clock
        self._filters = tuple(filters)
        self._ledger = ledger
        self._random = random.Random(client_id)  # noqa: S311 - jitter
        self._slots = asyncio.Semaphore(in_flight_max)
        self._in_flight: dict[int, int] = {}
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._all_acknowledged = asyncio.Event()
        self._all_acknowledged.set()
        self._tasks: list[asyncio.Task[None]] = []

        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=_PROTOCOLS[mqtt_version])
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls is not None:
            client.tls_set_context(address.tls)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.max_inflight_messages_set(in_flight_max)
        client.connect_timeout = _CONNECT_S_MAX
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_socket_register_write
        client.on_socket_unregister_write = self._on_socket_unregister_write
        if hear is not None:
            client.on_message = _hearing(hear)
        # What the broker kept of an earlier connection is of no use: everything unacknowledged is sent again.
        clean: CleanStartOption = True if mqtt_version == "5" else MQTT_CLEAN_START_FIRST_ONLY
        client.connect_async(address.host, address.port, _KEEP_ALIVE_S, clean_start=clean)
        self._client = client

    async def open(self, *, within_s: float = OPEN_S_MAX) -> None:
        """Connect, and keep connected from now on. Returns at the first connection.

        Raises BrokerSilent when there is none within `within_s`; `close` is due all the same.
        """
        self._tasks = [asyncio.create_task(self._keep_connected()), asyncio.create_task(self._keep_alive())]
        waiting = asyncio.create_task(self._connected.wait())
        too_late = asyncio.create_task(self._clock.sleep(within_s))
        waits = {waiting, too_late, *self._tasks}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            too_late.cancel()
        for task in done:
            task.result()
        if not self._connected.is_set():
            raise BrokerSilent(f"the broker at {self._where} lets nobody in; tried for {within_s:g} s")

    @property
    def where(self) -> str:
        """Host and port of the broker."""
        return self._where

    @property
    def connected(self) -> bool:
        """Whether the broker has let us in and is there."""
        return self._connected.is_set()

    @property
    def unacknowledged(self) -> int:
        """Messages handed over and not acknowledged by the broker."""
        return len(self._in_flight)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over one message, QoS 1; waits while too many are unacknowledged."""
        await self._slots.acquire()
        entry = self._ledger.sent(topic, payload) if self._ledger is not None else 0
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            self._slots.release()
            raise RuntimeError(f"not published to {topic}: {info.rc.name}")
        self._in_flight[info.mid] = entry
        self._all_acknowledged.clear()

    async def acknowledged(self) -> None:
        """Return once everything published was acknowledged by the broker."""
        await self._all_acknowledged.wait()

    def cut(self) -> None:
        """Drop the connection without a word, as a pulled cable does: the will is due, and we come back."""
        found = self._client.socket()
        if isinstance(found, socket.socket):
            found.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Say goodbye (no will) and stop; what is not acknowledged soon stays unknown."""
        if self._connected.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.acknowledged(), _FAREWELL_S_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connected.is_set():
            self._connected.clear()
            self._lost.clear()
            self._client.disconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _FAREWELL_S_MAX)

    async def _keep_connected(self) -> None:
        patience_s = _BACK_OFF_S_MIN
        while True:
            self._lost.clear()
            with contextlib.suppress(OSError):
                self._client.reconnect()
                await self._lost.wait()
            if self._connected.is_set():
                patience_s = _BACK_OFF_S_MIN
                self._connected.clear()
            await self._clock.sleep(patience_s * self._random.uniform(0.5, 1.5))
            patience_s = min(2 * patience_s, _BACK_OFF_S_MAX)

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            self._client.loop_misc()

    def _on_connect(self, client: Client, _userdata: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            _log.warning("the broker refused the connection: %s", reason)
            return
        self.connections += 1
        self._connected.set()
        for start in range(0, len(self._filters), 50):
            client.subscribe([(name, 1) for name in self._filters[start : start + 50]])

    def _on_disconnect(self, *_: object) -> None:
        self._lost.set()

    def _on_publish(self, _client: Client, _userdata: object, mid: int, *_: object) -> None:
        entry = self._in_flight.pop(mid, None)
        if entry is None:
            return
        self._slots.release()
        if not self._in_flight:
            self._all_acknowledged.set()
        if self._ledger is not None:
            self._ledger.acknowledged(entry)

    def _on_socket_open(self, client: Client, _userdata: object, sock: Any) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asyncio.get_running_loop().add_reader(sock, self._read, client, sock)

    def _on_socket_close(self, _client: Client, _userdata: object, sock: Any) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)

    def _on_socket_register_write(self, client: Client, _userdata: object, sock: Any) -> None:
        asyncio.get_running_loop().add_writer(sock, client.loop_write)

    def _on_socket_unregister_write(self, _client: Client, _userdata: object, sock: Any) -> None:
        asyncio.get_running_loop().remove_writer(sock)

    @staticmethod
    def _read(client: Client, sock: object) -> None:
        client.loop_read()
        # What TLS has already decrypted does not make the socket readable again.
        while client.socket() is sock and isinstance(sock, ssl.SSLSocket) and sock.pending():
            client.loop_read()


def _hearing(hear: Hear) -> Callable[[Client, object, MQTTMessage], None]:
    def on_message(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        hear(message.topic, bytes(message.payload))

    return on_message
