"""What a channel will do later: collect, tell, refund. Time is handed in; loop and step apart."""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from simulators.clock import Clock

Deed = Callable[[], Awaitable[None]]
_AT_ONCE_MAX = 16
"""Deeds at a time: a merchant is not stormed."""
_log = logging.getLogger(__name__)


class Agenda:
    """Deeds by the time at which they are due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, Deed]] = []
        self._numbers = itertools.count()
        self._news = asyncio.Event()

    def add(self, due: datetime, deed: Deed) -> None:
        """To be done at `due`, or as soon as possible after it."""
        heapq.heappush(self._due, (due, next(self._numbers), deed))
        self._news.set()

    @property
    def waiting(self) -> int:
        """Deeds that are not due yet."""
        return len(self._due)

    async def run(self) -> None:
        """Step by step, until cancelled."""
        while True:
            self._news.clear()
            await self.step()
            if not self._news.is_set():
                await self._until_next()

    async def step(self) -> int:
        """Do all that is due, in its order as far as deeds of one time may be told from each other; how many."""
        done = 0
        while batch := self._take():
            await asyncio.gather(*(_do(deed) for deed in batch))
            done += len(batch)
        return done

    def _take(self) -> list[Deed]:
        now, batch = self._clock.now(), list[Deed]()
        while self._due and self._due[0][0] <= now and len(batch) < _AT_ONCE_MAX:
            batch.append(heapq.heappop(self._due)[2])
        return batch

    async def _until_next(self) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
        if self._due:
            waits.append(asyncio.ensure_future(self._until(self._due[0][0])))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    async def _until(self, due: datetime) -> None:
        """Looks at the clock in the moment in which it lies down."""
        await self._clock.sleep(max(0.0, (due - self._clock.now()).total_seconds()))


async def _do(deed: Deed) -> None:
    """A deed that fails is told, and stops nobody else's."""
    try:
        await deed()
    except Exception:
        _log.exception("a deed of the channel failed")
