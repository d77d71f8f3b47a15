"""Work that goes on until somebody stops it: SIGINT, SIGTERM and SIGHUP cancel it, and its clean-up is waited for."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DidNotStop(Exception):
    """The clean-up took longer than it may."""


async def until_stopped(
    work: Coroutine[Any, Any, None], *, on_stop: Callable[[], None], patience_s: float | None = None
) -> None:
    """Run `work` until it ends or a signal cancels it, after `on_stop`. Raises what it raises, and DidNotStop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in STOPPING:
        loop.add_signal_handler(asked, stop.set)
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        on_stop()
        task.cancel()
        _, late = await asyncio.wait({task}, timeout=patience_s)
        if late:
            raise DidNotStop
    stopped.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
