"""paho-mqtt as a protocol machine without a thread: it is told about bytes and tells through its four socket hooks.

The one place that knows paho, whose private parts are used only here (the version is pinned). Three things it does are
left out: connecting, which would block the loop (`dial` does it), the way from the socket to a PUBLISH, which reads
byte by byte and builds objects that cost more than the message (`packets` does it), and one write for each PUBACK.
`connection` owns the client and the loop.
"""

import socket
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.address import BrokerAddress, Session

KEEPALIVE_S: Final = 20
"""A cut network is noticed after twice this; a ping a third of a minute costs nothing."""
READ_BYTES: Final = 65_536
"""One read: some four hundred small messages; a 1 MiB snapshot takes sixteen."""


class Owner(Protocol):
    """Who is told. Called from inside paho, which holds a lock: nothing may call back into the client at once."""

    def socket_opened(self) -> None: ...
    def socket_closed(self, fd: int) -> None: ...
    def wants_write(self) -> None: ...
    def writes_done(self, fd: int) -> None: ...
    def connected(self, *, resumed: bool, window: int) -> None: ...
    def refused(self, why: str) -> None: ...
    def subscribed(self, refusals: list[str]) -> None: ...
    def disconnected(self, why: str) -> None: ...


class ProtocolClient(mqtt.Client):
    """paho with its socket handed in and its message path left out."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._v5 = session.protocol == "5"
        clean = session.expiry_s == 0
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=session.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if self._v5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._v5 else clean,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.handed_socket: socket.socket | None = None
        self._session = session
        self._pinged_at = 0.0
        self.on_socket_open = lambda *_: owner.socket_opened()
        self.on_socket_close = lambda _client, _data, sock: owner.socket_closed(sock.fileno())
        self.on_socket_register_write = lambda *_: owner.wants_write()
        self.on_socket_unregister_write = lambda _client, _data, sock: owner.writes_done(sock.fileno())
        self.on_subscribe = lambda _client, _data, _mid, codes, _properties: owner.subscribed(
            [str(code) for code in codes if code.is_failure]
        )
        self.on_disconnect = lambda _client, _data, _flags, reason, _properties: owner.disconnected(str(reason))
        self.on_connect = self._greet(owner)

    def _greet(self, owner: Owner) -> Any:
        def greeted(_client: Any, _data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
            if reason.is_failure:
                owner.refused(f"the broker refused the connection: {reason}")
            else:
                owner.connected(resumed=flags.session_present, window=getattr(properties, "ReceiveMaximum", 65_535))

        return greeted

    @property
    def gone(self) -> bool:
        return self._sock is None

    def fileno(self) -> int:
        return -1 if self._sock is None else self._sock.fileno()

    def start(self, address: BrokerAddress) -> None:
        """Send CONNECT over the handed socket."""
        if address.username is not None:
            self.username_pw_set(address.username, address.password)
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho left it untyped
            properties.SessionExpiryInterval = self._session.expiry_s
            properties.ReceiveMaximum = self._session.receive_maximum
            clean: bool = self._session.expiry_s == 0
            self.connect_async(address.host, address.port, KEEPALIVE_S, clean_start=clean, properties=properties)
        else:
            self.connect_async(address.host, address.port, KEEPALIVE_S)
        self.reconnect()

    def _create_socket(self) -> Any:
        handed, self.handed_socket = self.handed_socket, None
        if handed is None:
            raise ConnectionError("no socket was handed in")
        return handed

    def subscribe_all(self, filters: Sequence[str]) -> None:
        """Retained messages come with a new subscription only, where the protocol can say so."""
        if self._v5:
            options = SubscribeOptions(qos=self._session.qos, retainHandling=1)
            self.subscribe([(topic, options) for topic in filters])
        else:
            self.subscribe([(topic, self._session.qos) for topic in filters])

    def unsubscribe_all(self, filters: Sequence[str]) -> None:
        self.unsubscribe(list(filters))

    def receive(self) -> bytes:
        """Raises BlockingIOError when dry, ConnectionError at the end of the stream."""
        chunk = self._sock_recv(READ_BYTES)
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        self._last_bytes_received = time.monotonic()  # noqa: TID251 - compared with paho's own readings of this clock
        return chunk

    def handle(self, command: int, packet: bytes) -> str | None:
        """Everything but PUBLISH and PUBACK is paho's to understand; what was wrong with it, or None."""
        self._in_packet = {
            "command": command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(packet),
            "packet": bytearray(packet),
            "to_process": 0,
            "pos": 0,
        }
        code = self._packet_handle()
        return None if code == MQTTErrorCode.MQTT_ERR_SUCCESS else mqtt.error_string(code)

    def next_mid(self, taken: set[int]) -> int:
        mid = self._mid_generate()
        while mid in taken:
            mid = self._mid_generate()
        return mid

    def send_publish(self, mid: int, topic: str, payload: bytes, retain: bool, *, expiry_s: int | None = None) -> None:
        properties = None
        if self._v5 and self._session.tells_expiry and expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho left it untyped
            properties.MessageExpiryInterval = expiry_s
        self._send_publish(mid, topic.encode(), payload, 1, retain, properties=properties)

    def send_raw(self, packets: bytes) -> None:
        if packets:
            self._packet_queue(mqtt.PUBACK, packets, 0, 1)

    def ping_unheard(self) -> None:
        """Keep the broker content while we do not listen for its answer."""
        now = time.monotonic()  # noqa: TID251 - as above
        if now - self._pinged_at >= KEEPALIVE_S / 2:
            self._pinged_at = now
            self._send_simple_command(mqtt.PINGREQ)

    def forgive_silence(self) -> None:
        self._ping_t = 0.0
        self._last_bytes_received = time.monotonic()  # noqa: TID251 - as above

    def drop_socket(self) -> None:
        self._sock_close()
        if self.handed_socket is not None:
            self.handed_socket.close()
            self.handed_socket = None
