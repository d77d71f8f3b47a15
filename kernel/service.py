"""The manifest of a service: what it serves, what it repeats, what it works off. `app` runs it, by role."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Loop:
    """A step repeated for ever: `step` runs every `every_s` seconds, never twice at once.

    A failing step is logged, counted and tried again at the next turn; tests call the step itself. `wake`, once set,
    brings the next turn forward.
    """

    name: str
    step: Callable[[], Awaitable[None]]
    every_s: float
    wake: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work that may wait, enqueued in the transaction of its cause. The handler is idempotent.

    `cron` (five fields, UTC) runs it by the clock as well; such a job takes an empty payload.
    """

    name: str
    handle: Callable[[bytes], Awaitable[None]]
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What one service brings: API objects (their methods carry `@operation`), loops and jobs."""

    name: str
    apis: Sequence[object] = ()
    loops: Sequence[Loop] = ()
    jobs: Sequence[Job] = field(default=())
