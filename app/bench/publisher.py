"""A device's side of MQTT 3.1.1, QoS 1, reduced to what a load needs: cheap, pipelined, and it forgets nothing.

A publish is kept until the broker acknowledged it and is sent again, marked as a duplicate, after a reconnect: what a
correct device does. Ten times cheaper than a full client, so that it does not take the processor from what is
measured. Used by the benches and by the fault suite, whose ledger hangs on `on_acknowledged`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from kernel.clock import Clock

IN_FLIGHT_MAX = 2_000
"""Publishes without acknowledgement: fills a loopback pipe, stays far below the 65,535 packet ids."""
_RECONNECT_AFTER_S = 0.1
_KEEPALIVE_S = 600
_CONNACK, _PUBACK = 2, 4


class PublisherCut(ConnectionError):
    """The connection ended before the broker answered."""


class Publisher:
    """One connection to a broker that publishes at QoS 1 and reconnects by itself until closed."""

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        clock: Clock,
        *,
        in_flight_max: int = IN_FLIGHT_MAX,
        on_acknowledged: Callable[[int], None] | None = None,
    ) -> None:
        self._host, self._port, self._client_id, self._clock = host, port, client_id, clock
        self._in_flight_max = in_flight_max
        self._on_acknowledged = on_acknowledged
        self._pending: dict[int, tuple[int, bytes]] = {}
        self._free_ids = deque(range(1, in_flight_max + 1))
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._said = 0
        self.reconnects = 0

    async def __aenter__(self) -> "Publisher":
        self._room.set()
        self._task = asyncio.create_task(self._stay_connected(), name=f"publisher {self._client_id}")
        await self._connected.wait()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writer is not None:
            self._writer.close()

    async def publish(self, topic: str, payload: bytes) -> int:
        """Send, or keep for the next connection; the running number of this publish. Waits while too many are open."""
        while not self._free_ids:
            self._room.clear()
            await self._room.wait()
        packet_id = self._free_ids.popleft()
        number, self._said = self._said, self._said + 1
        frame = publish_frame(topic, payload, packet_id)
        self._pending[packet_id] = (number, frame)
        self._idle.clear()
        if self._writer is not None:
            self._writer.write(frame)
            if self._writer.transport.get_write_buffer_size() > 256 * 1024:
                with contextlib.suppress(ConnectionError):
                    await self._writer.drain()
        return number

    async def acknowledged(self) -> None:
        """Return when the broker has acknowledged everything published so far."""
        await self._idle.wait()

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._one_connection()
            except (OSError, PublisherCut):
                self.reconnects += 1
            finally:
                if self._writer is not None:
                    self._writer.close()
                    self._writer = None
            await self._clock.sleep(_RECONNECT_AFTER_S)

    async def _one_connection(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(_connect_frame(self._client_id))
            kind, body = await _packet(reader)
            if kind != _CONNACK or body[1] != 0:
                raise PublisherCut(f"the broker refused the connection: packet {kind}, code {body[1:2]!r}")
            for _, frame in self._pending.values():  # in the order of publishing, as MQTT demands
                writer.write(bytes([frame[0] | 0x08]) + frame[1:])
        except BaseException:
            writer.close()
            raise
        self._writer = writer
        self._connected.set()
        buffer = bytearray()
        while chunk := await reader.read(65_536):
            buffer += chunk
            self._take_acknowledgements(buffer)
        raise PublisherCut("the broker closed the connection")

    def _take_acknowledgements(self, buffer: bytearray) -> None:
        whole = len(buffer) - len(buffer) % 4  # every packet to a publisher without subscription is a PUBACK of 4 bytes
        for start in range(0, whole, 4):
            if buffer[start] >> 4 != _PUBACK:
                raise PublisherCut(f"unexpected packet {buffer[start]:#04x}")
            packet_id = buffer[start + 2] << 8 | buffer[start + 3]
            known = self._pending.pop(packet_id, None)
            if known is None:
                continue
            self._free_ids.append(packet_id)
            if self._on_acknowledged is not None:
                self._on_acknowledged(known[0])
        del buffer[:whole]
        self._room.set()
        if not self._pending:
            self._idle.set()


def publish_frame(topic: str, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH of QoS 1 (MQTT 3.1.1, section 3.3)."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + _remaining_length(len(body)) + body


def _connect_frame(client_id: str) -> bytes:
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02" + _KEEPALIVE_S.to_bytes(2, "big") + len(name).to_bytes(2, "big") + name
    return b"\x10" + _remaining_length(len(body)) + body


def _remaining_length(length: int) -> bytes:
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(encoded)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One short packet: its type and body."""
    try:
        head = await reader.readexactly(2)
        return head[0] >> 4, await reader.readexactly(head[1])
    except asyncio.IncompleteReadError as error:
        raise PublisherCut("the broker closed the connection") from error
