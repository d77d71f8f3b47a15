"""What waits to be stored, by whose turn it is; it bounds the gateway's memory. Pure."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from gateway.taken import NOBODY, Taken

SHARE_MAX: Final = 1_000
"""Events of one car park in one transaction: a tenth of a second's work is what a flood may cost the others at once."""


class Queue:
    """A line of messages for each car park, bounded in all: `full` stops the reading, nothing is ever dropped.

    Car parks take turns, and one that has spoken more than SHARE_MAX waits for its next turn with the rest: a flood
    does not delay the others. Whoever is in a batch has no turn until `release`, so that transactions which overlap
    never touch the same car park, and each car park's messages are stored in the order in which they came. Strangers
    have one line together; whoever becomes known meanwhile stays in it until what he said there is stored.
    """

    def __init__(self, *, messages_max: int, bytes_max: int) -> None:
        self._lines: dict[str, deque[Taken]] = {}
        self._turns: dict[str, None] = {}
        self._under_way: set[str] = set()
        self._strangers: Counter[str] = Counter()
        """How many messages of each speaker are in the strangers' line, or under way from it."""
        self._messages = 0
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self.weight_bytes = 0
        self.events = 0

    def __len__(self) -> int:
        return self._messages

    @property
    def takeable(self) -> bool:
        """Whether `take` has anything to give."""
        return bool(self._turns)

    @property
    def full(self) -> bool:
        return self._messages >= self._messages_max or self.weight_bytes >= self._bytes_max

    @property
    def roomy(self) -> bool:
        """Half empty: time to read on."""
        return self._messages * 2 <= self._messages_max and self.weight_bytes * 2 <= self._bytes_max

    def put(self, taken: Taken) -> None:
        if self._strangers[taken.speaker]:
            taken = taken.aside()
        if taken.source == NOBODY:
            self._strangers[taken.speaker] += 1
        line = self._lines.get(taken.source)
        if line is None:
            line = self._lines[taken.source] = deque()
            if taken.source not in self._under_way:
                self._turns[taken.source] = None
        line.append(taken)
        self._messages += 1
        self.weight_bytes += taken.weight_bytes
        self.events += taken.events

    def take(self, *, events_max: int, messages_max: int) -> list[Taken]:
        """The oldest messages of whose turn it is, up to `events_max` events but at least one message."""
        batch: list[Taken] = []
        events = 0
        while self._turns and len(batch) < messages_max:
            source = next(iter(self._turns))
            line = self._lines[source]
            if batch and events + line[0].events > events_max:
                break
            said = 0
            while line and len(batch) < messages_max:
                taken = line[0]
                if said and (said + taken.weight > SHARE_MAX or events + taken.events > events_max):
                    break
                batch.append(line.popleft())
                said += taken.weight
                events += taken.events
                self.weight_bytes -= taken.weight_bytes
            del self._turns[source]
            self._under_way.add(source)
            if not line:
                del self._lines[source]
        self._messages -= len(batch)
        self.events -= events
        return batch

    def release(self, batch: Iterable[Taken]) -> None:
        """`batch`, as `take` gave it, is stored: those who spoke in it have a turn again, after all others."""
        batch = list(batch)
        for taken in batch:
            if taken.source == NOBODY:
                self._strangers[taken.speaker] -= 1
                if not self._strangers[taken.speaker]:
                    del self._strangers[taken.speaker]
        for source in {taken.source for taken in batch}:
            self._under_way.discard(source)
            if source in self._lines:
                self._turns[source] = None
