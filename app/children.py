"""Child processes that are kept running: started again, with back-off, when they end without being asked to."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from app.exit_codes import CommandFailed, Exit
from app.processes import exited
from kernel.clock import Clock

BACK_OFF_S_MIN = 0.25  # a crash heals before a device notices
BACK_OFF_S_MAX = 15.0  # what keeps crashing must not fill the machine and the log
HEALTHY_S = 10.0  # after this long alive, the next crash counts as the first
STILLBIRTHS_MAX = 5  # a child that ends by itself this often and was never healthy will not become so

# Trying again cannot help: the child has said that its settings, its port or its database's schema are wrong.
_PERMANENT = frozenset({Exit.USAGE, Exit.PORT_TAKEN, Exit.SCHEMA_MISMATCH})

# Somebody ended it, or watches over it: it did not crash.
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT})

log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class Child:
    """One child: `launch` starts it, `signals` end it in order, `patience_s` apart, and SIGKILL after them."""

    def __init__(
        self,
        name: str,
        launch: Callable[[], subprocess.Popen[bytes]],
        *,
        running: subprocess.Popen[bytes] | None = None,
        signals: Sequence[signal.Signals] = (signal.SIGTERM,),
        patience_s: float = 10.0,
    ) -> None:
        self.name = name
        self._launch = launch
        self._process = running
        self._signals = signals
        self._patience_s = patience_s

    async def keep_running(self, clock: Clock) -> None:
        """Run until cancelled, over any number of crashes.

        Raises CommandFailed when trying again cannot help: the child says so, or it never came up.
        """
        pause, stillbirths, was_healthy = BACK_OFF_S_MIN, 0, False
        while True:
            started = clock.monotonic()
            if self._process is None or self._process.poll() is not None:
                self._process = self._launch()
            code = await exited(self._process)
            if code in _PERMANENT:
                raise CommandFailed(Exit(code), f"{self.name} cannot start; its reason is above")
            if clock.monotonic() - started > HEALTHY_S:
                pause, was_healthy = BACK_OFF_S_MIN, True
            elif -code in _FROM_OUTSIDE:
                pause = BACK_OFF_S_MIN
            elif code > 0:
                stillbirths += 1
            if stillbirths >= STILLBIRTHS_MAX and not was_healthy:
                raise CommandFailed(Exit.FAILED, f"{self.name} ended {stillbirths} times at its start; see above")
            log.error("child ended, starting it again", child=self.name, exit=code, in_s=pause)
            await clock.sleep(pause)
            pause = min(pause * 2, BACK_OFF_S_MAX)

    async def end(self) -> None:
        """Ask it to end, wait, insist. Returns when it has ended."""
        process = self._process
        if process is None:
            return
        for asked in self._signals:
            if process.poll() is not None:
                return
            process.send_signal(asked)
            try:
                async with asyncio.timeout(self._patience_s):
                    await exited(process)
            except TimeoutError:
                log.warning("child does not end", child=self.name, signal=asked.name, after_s=self._patience_s)
        if process.poll() is None:
            process.kill()
            await exited(process)


class Children:
    """All children of a supervisor."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def kept(self, *children: Child) -> AsyncIterator[None]:
        """Keep `children` running while the block runs, then end them, all at the same time."""
        tasks = {asyncio.create_task(child.keep_running(self._clock), name=child.name) for child in children}
        self._tasks |= tasks
        try:
            yield
        finally:
            self._tasks -= tasks
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(child.end() for child in children))

    async def watched(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; raises CommandFailed as soon as a child says that trying again cannot help."""
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            for failed in done - {task}:
                failed.result()
            return await task
        finally:
            task.cancel()
