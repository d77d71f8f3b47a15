"""Who changed since when, for the readers of the live stream.

`flush`, twenty times a second, turns what changed into one delta with the next number. A bounded ring remembers who was
in which delta, so a reader who was slow or away gets the newest word on everybody it missed: no reader has a queue, and
the last value wins by itself.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.ids import CarParkId
from kernel.ids import new_id

FLUSH_S: Final = 0.05
"""How long a change waits for others to go with it: too short for a person to see, long enough to go together."""
DELTAS_MAX: Final = 12_000
"""Ten minutes of deltas at twenty a second: who was away for longer starts afresh."""


class Delta(Struct, frozen=True, gc=False):
    """Who changed in one flush."""

    number: int
    car_parks: tuple[CarParkId, ...]


class Stream:
    """Numbered deltas; `epoch` names this count, so that another process's numbers are not taken for ours."""

    def __init__(self, started_at: datetime) -> None:
        self.epoch = new_id("live", started_at).removeprefix("live_")
        self.number = 0
        self._changed: dict[CarParkId, None] = {}
        self._deltas: deque[Delta] = deque(maxlen=DELTAS_MAX)
        self._flushed = asyncio.Event()

    def changed(self, car_park: CarParkId) -> None:
        """`car_park` goes with the next delta: it is new, is something else than before, or is gone."""
        self._changed[car_park] = None

    def flush(self) -> None:
        """Make one delta of what changed and wake who waits for it."""
        if not self._changed:
            return
        self.number += 1
        self._deltas.append(Delta(self.number, tuple(self._changed)))
        self._changed.clear()
        flushed, self._flushed = self._flushed, asyncio.Event()
        flushed.set()

    async def beyond(self, number: int) -> None:
        """Returns when there is a delta after `number`."""
        while self.number <= number:
            await self._flushed.wait()

    def since(self, number: int) -> Collection[CarParkId] | None:
        """Everybody who changed after `number`; None when that is no longer, or was never, known."""
        if number == self.number:
            return ()
        if number > self.number or not self._deltas or number < self._deltas[0].number - 1:
            return None
        newer: dict[CarParkId, None] = {}
        for delta in reversed(self._deltas):
            if delta.number <= number:
                break
            newer.update(dict.fromkeys(delta.car_parks))
        return newer

    def id_of(self, number: int) -> str:
        """The event id of delta `number`: `<epoch>-<number>`."""
        return f"{self.epoch}-{number}"

    def number_of(self, event_id: str | None) -> int | None:
        """The delta that `event_id` names; None when it is not one of this count."""
        epoch, _, number = (event_id or "").rpartition("-")
        return (
            int(number) if epoch == self.epoch and number.isascii() and number.isdigit() and len(number) < 19 else None
        )
