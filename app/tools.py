"""What every role is made of, and how a role runs what it needs: its loops, what it cannot do without, its probes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from app.loops import LoopMetrics, running_loops
from app.settings import BerthSettings
from kernel.clock import Clock
from kernel.db import Database
from kernel.probes import Probe
from kernel.server_facts import await_answer
from kernel.service import Service


class NotReady(Exception):
    """A part of this process has started and cannot do its work yet."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every role is made of."""

    settings: BerthSettings
    clock: Clock
    database: Database
    registry: CollectorRegistry
    loop_metrics: LoopMetrics
    essential: set[asyncio.Task[None]] = field(default_factory=set)
    """What a role cannot do without: when one of these ends, so does the process, and its supervisor starts it anew."""

    def start_essential(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run `work`, without which the role is of no use."""
        task = asyncio.create_task(work, name=name)
        self.essential.add(task)
        return task

    def loops_of(self, services: Sequence[Service]) -> contextlib.AbstractAsyncContextManager[None]:
        """The loops of `services` run inside."""
        loops = [loop for service in services for loop in service.loops]
        return running_loops(loops, self.clock, self.loop_metrics)

    @property
    def broker_url(self) -> str:
        """Of the port that speaks the protocol that is set."""
        return self.settings.mqtt5 if self.settings.gateway.protocol == "5" else self.settings.mqtt_url


Role = Callable[[Tools], contextlib.AbstractAsyncContextManager[Mapping[str, Probe]]]
"""A role is a context that runs it and yields its probes."""


def database_probe(database: Database) -> Probe:
    """Ready when the database answers."""

    async def probe() -> None:
        await await_answer(database)

    return probe


def when(is_ready: Callable[[], bool], why_not: str) -> Probe:
    """Ready when `is_ready` says so."""

    async def probe() -> None:
        if not is_ready():
            raise NotReady(why_not)

    return probe
