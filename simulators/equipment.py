"""Barriers, locks and displays of one car park: what an order does to them, and what they answer. Pure.

A device keeps the ids of the orders it obeyed until their deadline has passed: an order that comes twice moves nothing
twice and is answered in the same words again. After the deadline nothing moves.
"""

from collections import Counter
from datetime import datetime

from contracts.wire import AckMessage, OrderMessage

TOO_LATE = "the order came after its deadline"


class Equipment:
    """What stands in one car park. `snapshots` counts how often everything was asked for."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        """How often the barrier of each lane went up by an order."""
        self.refused: Counter[str] = Counter()
        self.raised: dict[str, bool] = {}
        """Whether the lock of each space is up."""
        self.texts: dict[str, str] = {}
        """What the display of each lane or sign shows."""
        self.snapshots = 0
        self._obeyed: dict[str, tuple[datetime, AckMessage]] = {}

    def obey(self, order: OrderMessage, now: datetime, *, jams: bool = False) -> AckMessage:
        """Do it, unless it is done or too late; the answer. `jams`: the device cannot, for once."""
        self._obeyed = {key: kept for key, kept in self._obeyed.items() if kept[0] >= now}
        done = self._obeyed.get(order.order)
        if done is not None:
            return done[1]
        if now > order.expires_at:
            return AckMessage(order.order, False, now, TOO_LATE)
        if jams:
            answer = AckMessage(order.order, False, now, "jammed")
        else:
            self._move(order)
            answer = AckMessage(order.order, True, now)
        self._obeyed[order.order] = order.expires_at, answer
        return answer

    def _move(self, order: OrderMessage) -> None:
        place = order.lane or order.space or order.sign or ""
        match order.kind:
            case "open_barrier":
                self.opened[place] += 1
            case "refuse_entry":
                self.refused[place] += 1
            case "raise_lock" | "lower_lock":
                self.raised[place] = order.kind == "raise_lock"
            case "show_text":
                self.texts[place] = order.text or ""
            case "resend_snapshot":
                self.snapshots += 1
