"""Waiting for what another process does: asked again until the answer is good, and not for ever."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kernel.clock import Clock

_POLL_S = 0.02
_Answer = TypeVar("_Answer")


async def until(
    ask: Callable[[], Awaitable[_Answer]],
    clock: Clock,
    complaint: Callable[[], str],
    *,
    good: Callable[[_Answer], object] = bool,
    within_s: float = 30.0,
) -> _Answer:
    """The first `good` answer. AssertionError with `complaint` when there is none after `within_s`."""
    deadline = clock.monotonic() + within_s
    while not good(answer := await ask()):
        assert clock.monotonic() < deadline, f"after {within_s} s {complaint()}"
        await clock.sleep(_POLL_S)
    return answer
