"""A message and what it said: what waits to be stored. And the queue of them, which bounds the gateway's memory."""

from collections import deque

from msgspec import Struct

from gateway.events import Decoded
from gateway.received import Received
from gateway.refusals import Reason, Reject

FACT_BYTES = 250
"""A fact with its times, measured; what a message weighs beside its payload."""
MESSAGE_BYTES = 900
"""An empty one of ours with its envelope, measured."""


class Taken(Struct, frozen=True, gc=False):
    """One message with what it said. `events` is what the books count for it, whatever becomes of it."""

    message: Received
    said: Decoded
    events: int
    weight_bytes: int

    @classmethod
    def of(cls, message: Received, said: Decoded) -> "Taken":
        events = said.received
        return cls(message, said, events, MESSAGE_BYTES + len(message.payload) + FACT_BYTES * events)

    @property
    def dead(self) -> int:
        """Events of it that became no fact."""
        return self.events - self.said.good

    def refuse(self, reason: Reason, detail: str) -> "Taken":
        """The same message refused as a whole, after the database or a handler would not have it."""
        said = Decoded(self.said.car_park, rejects=(Reject(reason, detail),))
        return Taken(self.message, said, self.events, self.weight_bytes)


class Queue:
    """First in, first out, bounded in messages and bytes: `full` stops the reading, nothing is ever dropped."""

    def __init__(self, *, messages_max: int, bytes_max: int) -> None:
        self._waiting: deque[Taken] = deque()
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self.weight_bytes = 0
        self.events = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= self._messages_max or self.weight_bytes >= self._bytes_max

    @property
    def roomy(self) -> bool:
        """Half empty: time to read on."""
        return len(self._waiting) * 2 <= self._messages_max and self.weight_bytes * 2 <= self._bytes_max

    def put(self, taken: Taken) -> None:
        self._waiting.append(taken)
        self.weight_bytes += taken.weight_bytes
        self.events += taken.events

    def take(self, *, events_max: int, messages_max: int) -> list[Taken]:
        """The oldest messages, up to `events_max` events but at least one message."""
        batch: list[Taken] = []
        events = 0
        while self._waiting and len(batch) < messages_max:
            events += self._waiting[0].events
            if batch and events > events_max:
                break
            taken = self._waiting.popleft()
            self.weight_bytes -= taken.weight_bytes
            self.events -= taken.events
            batch.append(taken)
        return batch
