"""The publisher's own book of what it said and what the broker acknowledged: the oracle of the fault tests.

JSON lines: `{"sent":7,"topic":"...","message":{...}}` before a message is handed over, `{"acknowledged":7}` when its
PUBACK came. Afterwards every acknowledged event must be in history, once, and the newest must be the state.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from contracts.wire import SpaceEvent, SpacesMessage, parse_topic


class _Line(Struct, omit_defaults=True):
    sent: int | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    message: Raw | UnsetType = UNSET
    acknowledged: int | UnsetType = UNSET


class Published(Struct, frozen=True):
    """A message in the ledger. Not acknowledged does not mean lost: the broker may have it or not."""

    topic: str
    message: bytes
    acknowledged: bool


class Ledger:
    """Writes the book; a context manager that closes it. Nothing is buffered, so a killed publisher's book stands.

    Raises FileExistsError: a book is written once.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("xb", buffering=0)
        self._entries = 0

    def sent(self, topic: str, payload: bytes) -> int:
        """About to be handed over; returns the entry's number."""
        self._entries += 1
        self._write(_Line(sent=self._entries, topic=topic, message=Raw(payload)))
        return self._entries

    def acknowledged(self, entry: int) -> None:
        """The broker has it."""
        self._write(_Line(acknowledged=entry))

    def _write(self, line: _Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_ledger(path: Path) -> list[Published]:
    """Every message of the book in the order it was sent. A torn last line (the publisher was killed) is left out."""
    decoder = msgspec.json.Decoder(_Line)
    messages: dict[int, tuple[str, bytes]] = {}
    acknowledged: set[int] = set()
    with path.open("rb") as file:
        for text in file:
            if not text.endswith(b"\n"):
                break
            line = decoder.decode(text)
            if isinstance(line.acknowledged, int):
                acknowledged.add(line.acknowledged)
            elif isinstance(line.sent, int) and isinstance(line.topic, str) and isinstance(line.message, Raw):
                messages[line.sent] = (line.topic, bytes(line.message))
    return [Published(topic, message, number in acknowledged) for number, (topic, message) in sorted(messages.items())]


def space_events(published: list[Published]) -> Iterator[tuple[str, SpaceEvent, bool]]:
    """(car park, event, acknowledged) of every space event in the book."""
    decoder = msgspec.json.Decoder(SpacesMessage)
    for entry in published:
        topic = parse_topic(entry.topic)
        if topic is not None and topic.kind == "spaces":
            for event in decoder.decode(entry.message).events:
                yield topic.car_park, event, entry.acknowledged
