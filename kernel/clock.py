"""Time is handed in: the one home of the system clock and of waiting.

Edges own a `Clock`; everything below takes `now` as an argument or reads it from its transaction (`Tx.now`).
"""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What may be asked of time."""

    def now(self) -> datetime:
        """The present, in UTC with an offset, to the microsecond."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring durations and deadlines inside one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` (at once when not positive)."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that moves only when told to; whoever sleeps on it wakes when it has been moved far enough.

    Serves tests, where hours pass in milliseconds.
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start must have an offset")
        self._start = start.astimezone(UTC)
        self._elapsed_s = 0.0
        self._tickets = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._tickets), woken))
        await woken.wait()

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` and wake, in order, everyone whose time has come."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            heapq.heappop(self._sleepers)[2].set()


async def sleep_or_woken(clock: Clock, seconds: float, woken: asyncio.Event) -> None:
    """Return after `seconds`, or as soon as `woken` is set (at once when it is); clearing it is the caller's."""
    waits = [asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(woken.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
