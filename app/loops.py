"""Runs the loops of the services: one task each, never twice at once, never ended by a failing step."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from kernel.clock import Clock, sleep_or_woken
from kernel.service import Loop

BACK_OFF_S_MAX = 30.0
"""A loop whose step keeps failing (the database is away) tries at least this often."""

log = structlog.get_logger(__name__)


class LoopMetrics:
    """How long steps take and how many fail, by loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram("berth_loop_step_seconds", "Duration of a loop's step.", ["loop"], registry=registry)
        self.failures = Counter("berth_loop_failures", "Steps of loops that failed.", ["loop"], registry=registry)


async def run_loop(loop: Loop, clock: Clock, metrics: LoopMetrics) -> None:
    """Repeat the step of `loop` until cancelled; one that takes longer than its interval is followed at once."""
    failed = 0
    while True:
        started = clock.monotonic()
        try:
            await loop.step()
        except Exception as error:  # whatever it was, the next turn may go well; told once until it does
            metrics.failures.labels(loop.name).inc()
            failed += 1
            if failed == 1:
                log.exception("loop step failed", loop=loop.name, error=repr(error))
        else:
            if failed:
                log.info("loop step works again", loop=loop.name, failed=failed)
            failed = 0
        spent = clock.monotonic() - started
        metrics.seconds.labels(loop.name).observe(spent)
        pause = loop.every_s
        if failed:
            pause = max(pause, min(pause * 2 ** min(failed, 6), BACK_OFF_S_MAX))
        rest = max(0.0, pause - spent)
        if failed or loop.wake is None:
            await clock.sleep(rest)
        else:
            await sleep_or_woken(clock, rest, loop.wake)
            loop.wake.clear()  # what woke us is dealt with by the step that follows


@contextlib.asynccontextmanager
async def running_loops(loops: Sequence[Loop], clock: Clock, metrics: LoopMetrics) -> AsyncIterator[None]:
    """Run `loops` while the block runs; a step that is under way is cut when it ends."""
    tasks = [asyncio.create_task(run_loop(loop, clock, metrics), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
