"""What waits to be published. Bounded: availability keeps only its newest word per topic, the rest keeps its newest N.

Pure but for the bytes, which are made only when they are sent: a car park that changed fifty times while the broker was
slow is written once.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto

from msgspec import Struct


class Delivery(Enum):
    """What became of a message with a deadline."""

    TAKEN = auto()
    """The broker acknowledged it."""
    REFUSED = auto()
    """The broker said no, which only MQTT 5 can."""
    LOST = auto()
    """Not sent in time, or the connection ended before the broker said anything: it may or may not have it."""


class Outgoing(Struct, frozen=True):
    """One message of ours; `make` gives its payload at the moment of sending.

    One with a `deadline` is not sent after it and never sent twice from here: `settle` is told what became of it, and
    whoever gave it decides anew.
    """

    topic: str
    make: Callable[[], bytes]
    retain: bool
    deadline: datetime | None = None
    settle: Callable[[Delivery], None] | None = None


class Outbox:
    """`urgent` has a deadline and goes first; `other` waits in line; `latest` is replaced by a newer one of its topic.

    Of the first two the oldest gives way.
    """

    def __init__(self, *, others_max: int) -> None:
        self._urgent: deque[Outgoing] = deque()
        self._others: deque[Outgoing] = deque()
        self._latest: dict[str, Outgoing] = {}
        self._others_max = others_max
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others) + len(self._latest)

    def put_latest(self, outgoing: Outgoing) -> None:
        """Replace what waits for this topic, keeping its place in line."""
        self._latest[outgoing.topic] = outgoing

    def put(self, outgoing: Outgoing) -> None:
        line = self._others if outgoing.settle is None else self._urgent
        if len(line) >= self._others_max:
            _lose(line.popleft())
            self.dropped += 1
        line.append(outgoing)

    def take(self) -> Outgoing | None:
        """The next to send: orders, then feedback, then the availabilities, which may wait and coalesce."""
        if self._urgent:
            return self._urgent.popleft()
        if self._others:
            return self._others.popleft()
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        return None

    def give_back(self, unsent: Iterable[Outgoing]) -> None:
        """What a lost connection leaves open goes to the front, unless something newer waits for its topic.

        What has a deadline goes back to whoever gave it, also what only waited here.
        """
        while self._urgent:
            _lose(self._urgent.popleft())
        others = []
        latest = {}
        for outgoing in unsent:
            if _lose(outgoing):
                continue
            if not outgoing.retain:
                others.append(outgoing)
            elif outgoing.topic not in self._latest:
                latest[outgoing.topic] = outgoing
        room = self._others_max - len(self._others)
        self._others.extendleft(reversed(others[-room:] if room > 0 else []))
        self._latest = {**latest, **self._latest}


def _lose(outgoing: Outgoing) -> bool:
    """Whether it was one that somebody waits for, who is told now."""
    if outgoing.settle is None:
        return False
    outgoing.settle(Delivery.LOST)
    return True
