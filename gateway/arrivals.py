"""What the broker has not been told yet, in the order of arrival.

Transactions overlap and end in any order, acknowledgements may not (MQTT 5, section 4.6): of everything that is stored,
only the part is acknowledged that nothing older is missing from. Pure.
"""

from collections import deque
from collections.abc import Iterable

from gateway.received import Received


class Arrivals:
    """Every message from its arrival until it and all before it are stored. Of what is stored only the name is kept."""

    def __init__(self, *, messages_max: int) -> None:
        self._open: deque[Received] = deque()
        self._messages_max = messages_max

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        """Time to stop reading: MQTT 3.1.1 knows no bound of its own."""
        return len(self._open) >= self._messages_max

    @property
    def roomy(self) -> bool:
        return len(self._open) * 2 <= self._messages_max

    def add(self, message: Received) -> None:
        self._open.append(message)

    def stored(self, messages: Iterable[Received]) -> list[Received]:
        """Note that `messages` are stored; those that may be acknowledged now, oldest first."""
        for message in messages:
            message.stored = True
            message.payload = b""
        ready = []
        while self._open and self._open[0].stored:
            ready.append(self._open.popleft())
        return ready
