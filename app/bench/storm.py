"""A whole city says everything at once, as after a broker's death: how long until it is committed, and what the API
feels of it. Before that, a usual evening: how long an event takes from its publish to its commit.

Gateway, API, PostgreSQL and Mosquitto are processes of their own; the publisher is the bench. Nothing waits anywhere
beforehand: the time runs from the first publish to the last commit.
"""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from app.bench.commit_delay import EVENTS_S, commit_delays_ms
from app.bench.load import CAR_PARKS, SPACES, car_park_id
from app.bench.processes_cpu import cores_used
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles, spread
from app.bench.rig import Rig, standing_rig
from app.bench.role_process import RoleProcess
from app.processes import LOOPBACK, free_port
from kernel.clock import Clock

CALM_S = 20
REQUESTS_S = 40
"""Cards and lists, as drivers' phones ask for them; below what one address may ask."""


async def measure_storm(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `resync_250k_s`, `api_ms_p99` beside idle, `publish_to_commit_ms_p99`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with standing_rig(clock, Path(name)) as rig:
            progress(f"a first word from every one of {SPACES:,} spaces")
            await rig.first_words()
            port = free_port()
            api = RoleProcess(
                "api",
                rig.folder,
                database_url=rig.postgres.url(),
                mqtt_url=rig.broker.url,
                settings={"BERTH_HTTP_PORT": str(port)},
            )
            api.start()
            try:
                await api.until_ready(clock, port)
                async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as session:
                    return await _Storm(rig, api, session).measure(runs, progress)
            finally:
                await asyncio.to_thread(api.stop)


class _Storm:
    """The same API, asked while nothing happens and while everything does."""

    def __init__(self, rig: Rig, api: RoleProcess, session: aiohttp.ClientSession) -> None:
        self.rig, self.api, self.session = rig, api, session

    async def measure(self, runs: int, progress: Callable[[str], None]) -> BenchReport:
        progress(f"{EVENTS_S} events/s for {CALM_S} s")
        commits_ms = await commit_delays_ms(self.rig, CALM_S)
        progress(f"{REQUESTS_S} requests/s for {CALM_S} s while nothing happens")
        idle_ms = await self._ask_until(self.rig.clock.sleep(CALM_S))
        seconds: list[float] = []
        busy_ms: list[float] = []
        cores: dict[str, list[float]] = {}
        for number in range(1, runs + 1):
            progress(f"storm {number} of {runs}: {SPACES:,} events")
            meter = self.rig.meter(api=self.api.pid)
            before, started = meter.read(), self.rig.clock.monotonic()
            busy_ms += await self._ask_until(self._storm())
            seconds.append(self.rig.clock.monotonic() - started)
            for part, used in cores_used(before, meter.read(), seconds[-1]).items():
                cores.setdefault(part, []).append(used)
        idle = percentiles("api_ms_idle", idle_ms)
        return BenchReport(
            "storm",
            [
                *spread("resync_250k_s", seconds, "s"),
                *percentiles("api_ms", busy_ms, baseline=idle[0]),
                *idle,
                *percentiles("publish_to_commit_ms", commits_ms),
                *(Result(f"cores_{part}", sum(used) / len(used), "cores") for part, used in sorted(cores.items())),
            ],
            notes=[
                f"{runs} storms of {SPACES:,} events, 500 a message, from the first publish to the last commit;"
                f" {REQUESTS_S} requests/s meanwhile; publish to commit at {EVENTS_S} events/s, one a message"
            ],
        )

    async def _storm(self) -> None:
        made, before = self.rig.load.made, await self.rig.received()
        storm = asyncio.create_task(self.rig.publish(self.rig.load.batches(CAR_PARKS)))
        await self.rig.drained(before, SPACES)
        await storm
        if (stored := await self.rig.stored(made)) != SPACES:
            raise BenchImpossible(f"{SPACES - stored} of {SPACES} events are missing: {self.rig.gateway.last_words()}")

    async def _ask_until(self, end: Coroutine[Any, Any, None]) -> list[float]:
        """How long each request took, REQUESTS_S a second whatever the answers take, until `end` is over."""
        ending = asyncio.create_task(end)
        asking: set[asyncio.Task[float]] = set()
        took: list[float] = []
        number = 0
        while not ending.done():
            asking.add(asyncio.create_task(self._ask(number)))
            number += 1
            await self.rig.clock.sleep(1 / REQUESTS_S)
            done = {task for task in asking if task.done()}
            asking -= done
            took += [task.result() for task in done]
        ending.result()
        return took + await asyncio.gather(*asking)

    async def _ask(self, number: int) -> float:
        path = "/v1/car-parks?limit=50" if number % 10 == 0 else f"/v1/car-parks/{car_park_id(number % CAR_PARKS)}"
        started = self.rig.clock.monotonic()
        async with self.session.get(path) as response:
            await response.read()
            if response.status != 200:
                raise BenchImpossible(f"GET {path}: {response.status}")
        return 1_000 * (self.rig.clock.monotonic() - started)
