"""A look at the database that many ask for at once: each gets one that began after it asked, and one runs at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from kernel.clock import Clock
from kernel.db_errors import will_pass

WAIT_S_MAX: Final = 0.5
"""A database that takes this long to tell one number is as good as away: what is known already is answered."""

log = structlog.get_logger(__name__)


class FreshLook:
    """Runs `look` for whoever asks, and stops waiting for it when the database hangs."""

    def __init__(self, look: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._turn = asyncio.Lock()
        self._asked = 0
        self._looked = 0
        self._began_s = 0.0
        self._failure: Exception | None = None
        """Of the last look."""
        self._tasks: set[asyncio.Task[Exception | None]] = set()

    async def __call__(self) -> bool:
        """Whether a look that began after the call has succeeded. Raises what is no fault of the connection."""
        if self._turn.locked() and self._clock.monotonic() - self._began_s > WAIT_S_MAX:
            return False
        self._asked += 1
        task = asyncio.create_task(self._look_for(self._asked), name="fresh look")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=WAIT_S_MAX)
        if not done:
            return False
        failure = task.result()
        if failure is not None and not will_pass(failure):
            raise failure
        return failure is None

    async def _look_for(self, asked: int) -> Exception | None:
        """What came of the first look that began after `asked`: one that failed, failed for all who waited for it."""
        async with self._turn:
            if self._looked < asked:
                upto, self._began_s, self._failure = self._asked, self._clock.monotonic(), None
                try:
                    await self._look()
                except Exception as error:
                    self._failure = error
                    if not will_pass(error):
                        log.warning("look failed", error=repr(error))  # who asked may be gone by now
                self._looked = upto
            return self._failure
