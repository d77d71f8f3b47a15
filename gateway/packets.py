"""MQTT packets out of a stream of bytes. Pure; PUBLISH and PUBACK are understood here, all others are handed on.

MQTT 3.1.1 and 5, section 2 (fixed header) and 3.3 (PUBLISH). A packet that is too long to be kept is let through
without its body, so that the one who sent it can still be told.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

PACKET_BYTES_MAX: Final = 4 * 1024 * 1024
"""Four times the contract's message: more is not kept in memory, only counted."""
HEAD_BYTES: Final = 66_000
"""Of an over-long packet: the longest possible topic and what stands around it."""


class MalformedPacket(Exception):
    """The broker sent what is not MQTT."""


class Fed(Struct, gc=False):
    """A PUBLISH. `payload_bytes` is its true length, `payload` only the beginning when it was too long to keep."""

    topic: str
    payload: bytes
    payload_bytes: int
    qos: int
    mid: int
    retain: bool


def puback(mid: int) -> bytes:
    """PUBACK in its short form, the same in both protocols: success."""
    return bytes((0x40, 2, mid >> 8, mid & 0xFF))


class PacketReader:
    """Keeps the unfinished rest between two reads."""

    def __init__(
        self,
        *,
        mqtt5: bool,
        on_publish: Callable[[Fed], bool],
        on_puback: Callable[[int, int], None],
        on_other: Callable[[int, bytes], None],
    ) -> None:
        """`on_publish` answers whether more may come; `on_puback` is told the message id and the reason code."""
        self._mqtt5 = mqtt5
        self._on_publish = on_publish
        self._on_puback = on_puback
        self._on_other = on_other
        self._rest = b""
        self._skip_bytes = 0

    def feed(self, chunk: bytes) -> bool:
        """Take in `chunk`; False when the receiver wants no more now. Raises MalformedPacket."""
        if self._skip_bytes:
            skipped = min(self._skip_bytes, len(chunk))
            self._skip_bytes -= skipped
            chunk = chunk[skipped:]
        data = self._rest + chunk if self._rest else chunk
        end = len(data)
        position = 0
        more = True
        while more and end - position >= 2:
            command = data[position]
            length = data[position + 1]
            body = position + 2
            if length > 0x7F:
                found = _variable_integer(data, position + 1, end)
                if found is None:
                    break
                length, body = found
            stop = body + length
            if stop > end:
                if length <= PACKET_BYTES_MAX or end - body < HEAD_BYTES:
                    break
                more = self._take(command, data[body:end], length)
                self._skip_bytes = stop - end
                position = end
            else:
                more = self._take(command, data[body:stop], length)
                position = stop
        self._rest = data[position:]
        return more

    def _take(self, command: int, packet: bytes, length: int) -> bool:
        kind = command & 0xF0
        if kind == 0x30:
            return self._on_publish(self._publish(command, packet, length))
        if kind == 0x40:
            if len(packet) < 2:
                raise MalformedPacket("a PUBACK without a message id")
            self._on_puback(packet[0] << 8 | packet[1], packet[2] if len(packet) > 2 else 0)
        else:
            self._on_other(command, packet)
        return True

    def _publish(self, command: int, packet: bytes, length: int) -> Fed:
        qos = command >> 1 & 3
        if qos > 1 or len(packet) < 2:
            raise MalformedPacket("a PUBLISH that was not asked for")
        at = 2 + (packet[0] << 8 | packet[1])
        topic = packet[2:at]
        mid = 0
        if qos:
            if len(packet) < at + 2:
                raise MalformedPacket("a PUBLISH without a message id")
            mid = packet[at] << 8 | packet[at + 1]
            at += 2
        if self._mqtt5:
            found = _variable_integer(packet, at, len(packet))
            if found is None:
                raise MalformedPacket("a PUBLISH with broken properties")
            at = sum(found)
        if at > len(packet) or not topic:
            raise MalformedPacket("a PUBLISH shorter than its own header")
        payload = packet[at:]
        return Fed(topic.decode(errors="replace"), payload, length - at, qos, mid, bool(command & 1))


def _variable_integer(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """A number in one to four bytes, and where it ends; None when it is not all there yet."""
    value = 0
    for place in range(4):
        if at + place >= end:
            return None
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise MalformedPacket("a length of more than four bytes")
