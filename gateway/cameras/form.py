"""A camera's request taken apart as it arrives: the event is kept, pictures are passed over. Pure.

Whatever the size of the pictures, one request costs the memory of one event. Forms in the field are not always what
RFC 7578 says: boundaries that are not the header's or that it does not name, bare line feeds, no empty line between a
part's headers and its event, no end, several events, an event without a form around it. An event is whole when its part
is closed, whatever becomes of the rest.
"""

import re
from typing import Final, NamedTuple

from gateway.cameras.alert import ALERT_BYTES_MAX

PARTS_MAX: Final = 16
HEADERS_BYTES_MAX: Final = 8 * 1024
BOUNDARY_BYTES_MAX: Final = 200

_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'(?:file)?name="?([^";\r\n]{1,200})"?', re.IGNORECASE)
_KIND = re.compile(rb"content-type:\s*([^\s;]{1,80})", re.IGNORECASE)
_BEFORE: Final = b"\xef\xbb\xbf\xff\xfe\0\r\n\t "
"""Byte order marks, what UTF-16 has between, and white space: what may stand before an event."""
_FIRST: Final = (b"<", b"{")


class EventPart(NamedTuple):
    """An event as it came: its beginning, where it is too long, and how long it was."""

    payload: bytes
    size: int


class _Part:
    """`is_event` by its type, its name or, where both say nothing (None), its first character."""

    def __init__(self, headers: bytes) -> None:
        name = _NAME.search(headers)
        kind = _KIND.search(headers)
        said_kind = kind[1].lower() if kind else b""
        self.head = bytearray()
        self.bytes = 0
        self.is_event: bool | None = None
        if said_kind.endswith((b"xml", b"json")) or (name and name[1].lower().endswith((b".xml", b".json"))):
            self.is_event = True
        elif said_kind.startswith(b"image/"):
            self.is_event = False

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        if self.is_event is None and (first := data.lstrip(_BEFORE)[:1]):
            self.is_event = first in _FIRST
        if self.is_event is False:
            self.head.clear()
        else:
            self.head += data[: max(0, ALERT_BYTES_MAX - len(self.head))]


class FormReader:
    """`feed` what arrives, `finish` at its end.

    `events` grows while it is fed: what is in there has arrived as a whole.
    """

    def __init__(self, content_type: str) -> None:
        found = _BOUNDARY.search(content_type) if "multipart" in content_type.lower() else None
        self._delimiter = b"--" + found[1].encode("utf-8", "surrogateescape") if found else b""
        self._buffer = bytearray()
        self._part: _Part | None = None if found else _Part(b"")
        self._begun = False
        self._done = False
        self._parts = 0
        self.events: list[EventPart] = []

    def feed(self, data: bytes) -> None:
        """The next bytes of the body."""
        if self._done:
            return
        self._buffer += data
        if not self._begun and not self._recognise():
            return
        more = True
        while more:
            more = self._between() if self._part is None else self._in_part(self._part)

    def finish(self) -> None:
        """No more comes; a form that was cut short keeps what there is of its last part."""
        self._begun = True
        if self._part is not None and not self._done:
            self._part.write(bytes(self._buffer))
            self._close(self._part)
        self._done = True

    def _recognise(self) -> bool:
        """What the body begins with: a delimiter in its first line, the event itself, or what only the header knows.

        The body wins: some cameras name another boundary than they use, or name its dashes as well.
        """
        start = bytes(self._buffer[: BOUNDARY_BYTES_MAX + 4]).lstrip(_BEFORE)
        line, newline, _ = start.partition(b"\n")
        if start.startswith(_FIRST):
            self._delimiter, self._part = b"", _Part(b"")
        elif start.startswith(b"--") and newline:
            self._delimiter, self._part = line.rstrip(), None
        elif len(self._buffer) <= BOUNDARY_BYTES_MAX and (len(start) < 2 or start.startswith(b"--")):
            return False
        self._begun = True
        return True

    def _between(self) -> bool:
        """Before a part or in its headers; whether there is more to do."""
        at = self._buffer.find(self._delimiter)
        if at < 0:
            del self._buffer[: max(0, len(self._buffer) - len(self._delimiter))]
            return False
        rest = at + len(self._delimiter)
        if self._buffer[rest : rest + 2] == b"--":
            self._done = True
            return False
        ends = [
            (end, length)
            for mark, length in ((b"\r\n\r\n", 4), (b"\n\n", 2), (b"\n<", 1), (b"\n{", 1))
            if (end := self._buffer.find(mark, rest)) >= 0
        ]
        if not ends:
            self._done = len(self._buffer) - rest > HEADERS_BYTES_MAX
            return False
        end, length = min(ends)
        self._parts += 1
        if self._parts > PARTS_MAX:
            self._done = True
            return False
        self._part = _Part(bytes(self._buffer[rest:end]))
        del self._buffer[: end + length]
        return True

    def _in_part(self, part: _Part) -> bool:
        """In the body of `part`; whether there is more to do."""
        ending = b"\n" + self._delimiter if self._delimiter else b""
        at = self._buffer.find(ending) if ending else -1
        if at < 0:
            ready = len(self._buffer) - len(ending) - 1 if ending else len(self._buffer)
            if ready > 0:
                part.write(bytes(self._buffer[:ready]))
                del self._buffer[:ready]
            return False
        part.write(bytes(self._buffer[:at]).removesuffix(b"\r"))
        del self._buffer[: at + 1]
        self._close(part)
        return True

    def _close(self, part: _Part) -> None:
        self._part = None
        if part.bytes and part.is_event:
            self.events.append(EventPart(bytes(part.head), part.bytes))
