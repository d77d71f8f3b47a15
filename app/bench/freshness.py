"""How long a change takes from a device's publish to whoever looks: in REST, and in the live stream.

Spoken to `berth up` over the contract only: car parks put over REST, events published over MQTT 3.1.1, availability
read back. Publisher, reader and clock are in this one process, so the times are of one clock; the reader of the stream
sees every event, REST is asked again and again for a sample of them.
"""

import asyncio
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import orjson

from app.bench.processes_cpu import CpuMeter, cores_used
from app.bench.publisher import Publisher
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles
from app.bench.up_process import UpProcess
from app.processes import LOOPBACK
from contracts.wire import SpaceEvent, SpacesMessage, SpaceStateWord, up_topic
from kernel.clock import Clock

OPERATOR = "bench"
CAR_PARKS = 608
SPACES_EACH = 20
EVENTS_S = 600
SECONDS = 30
WARM_UP_S = 5
REST_SAMPLES_S = 10
_REST_POLL_S = 0.005
_LATE_S_MAX = 30.0


@dataclass
class _Waiting:
    """What was published and not seen yet, by car park, and the delays of what was."""

    open: dict[str, deque[tuple[datetime, float]]] = field(default_factory=dict)
    delays_ms: list[float] = field(default_factory=list)

    def published(self, car_park: str, at: datetime, when: float) -> None:
        self.open.setdefault(car_park, deque()).append((at, when))

    def seen(self, car_park: str, as_of: datetime, when: float) -> None:
        line = self.open.get(car_park)
        while line and line[0][0] <= as_of:
            self.delays_ms.append(1_000 * (when - line.popleft()[1]))

    def left(self) -> int:
        return sum(map(len, self.open.values()))


async def measure_freshness(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `publish_to_rest_ms_p99`, `publish_to_sse_ms_p99` at EVENTS_S events a second. One long run."""
    del runs
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        progress("starting berth up")
        async with UpProcess(Path(name)) as up, aiohttp.ClientSession(up.http) as session:
            progress(f"putting {CAR_PARKS} car parks over REST")
            await _put_city(session, up.operator_token)
            bench = _Freshness(clock, session, up.mqtt_port)
            progress("a first word from every space")
            await bench.first_words()
            progress(f"{EVENTS_S} events/s for {WARM_UP_S + SECONDS} s")
            meter = CpuMeter({"berth_up": up.pid})
            before, started = meter.read(), clock.monotonic()
            await bench.measure()
            cores = cores_used(before, meter.read(), clock.monotonic() - started)
    return BenchReport(
        "freshness",
        [
            *percentiles("publish_to_rest_ms", bench.rest.delays_ms),
            *percentiles("publish_to_sse_ms", bench.stream.delays_ms),
            *(Result(f"cores_{part}", used, "cores") for part, used in cores.items()),
        ],
        notes=[
            f"{EVENTS_S} events/s, one a message, over {CAR_PARKS} car parks for {SECONDS} s, embedded broker and"
            f" PostgreSQL; {len(bench.rest.delays_ms):,} events looked for in REST, {len(bench.stream.delays_ms):,}"
            " in the stream"
        ],
    )


class _Freshness:
    """Publisher, reader of the stream and asker of REST."""

    def __init__(self, clock: Clock, session: aiohttp.ClientSession, mqtt_port: int) -> None:
        self._clock, self._session, self._mqtt_port = clock, session, mqtt_port
        self.rest, self.stream = _Waiting(), _Waiting()
        self._seq = 0

    async def first_words(self) -> None:
        """Every space says once that it is free; returns when the last car park shows it."""
        async with self._publisher() as publisher:
            at = self._now()
            for index in range(CAR_PARKS):
                events = [self._event(space, "free", at) for space in range(SPACES_EACH)]
                await publisher.publish(*_message(index, events))
            await publisher.acknowledged()
        for index in range(CAR_PARKS):
            await self._shown(_name(index), at)

    async def measure(self) -> None:
        """Publish at the rate, in step with the clock; the delays are in `rest` and `stream` afterwards."""
        async with self._publisher() as publisher, asyncio.TaskGroup() as group:
            reader = group.create_task(self._read_stream())
            samples = []
            started = self._clock.monotonic()
            for number in range(EVENTS_S * (WARM_UP_S + SECONDS)):
                due = started + number / EVENTS_S
                if (early := due - self._clock.monotonic()) > 0.001:
                    await self._clock.sleep(early)
                counts = number >= EVENTS_S * WARM_UP_S
                index = number % CAR_PARKS
                turn = number // CAR_PARKS
                state: SpaceStateWord = "occupied" if turn // SPACES_EACH % 2 == 0 else "free"
                at, when = self._now(), self._clock.monotonic()
                if counts:
                    self.stream.published(_name(index), at, when)
                await publisher.publish(*_message(index, [self._event(turn % SPACES_EACH, state, at)]))
                if counts and number % (EVENTS_S // REST_SAMPLES_S) == 0:
                    samples.append(group.create_task(self._sample_rest(_name(index), at, when)))
            await asyncio.gather(*samples)
            deadline = self._clock.monotonic() + _LATE_S_MAX
            while self.stream.left():
                if self._clock.monotonic() > deadline:
                    raise BenchImpossible(f"{self.stream.left()} events never came out of /v1/live")
                await self._clock.sleep(0.05)
            reader.cancel()

    async def _read_stream(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get("/v1/live", timeout=timeout) as response:
            response.raise_for_status()
            while line := await response.content.readline():
                if not line.startswith(b"data:"):
                    continue
                when = self._clock.monotonic()
                for shown in orjson.loads(line[5:]).get("items", ()):
                    if shown["as_of"] is not None:
                        self.stream.seen(shown["car_park"], datetime.fromisoformat(shown["as_of"]), when)

    async def _sample_rest(self, car_park: str, at: datetime, when: float) -> None:
        self.rest.delays_ms.append(1_000 * (await self._shown(car_park, at) - when))

    async def _shown(self, car_park: str, at: datetime) -> float:
        """When REST showed a state as new as `at`."""
        deadline = self._clock.monotonic() + _LATE_S_MAX
        while True:
            async with self._session.get(f"/v1/car-parks/{car_park}") as response:
                response.raise_for_status()
                as_of = orjson.loads(await response.read())["availability"]["as_of"]
            now = self._clock.monotonic()
            if as_of is not None and datetime.fromisoformat(as_of) >= at:
                return now
            if now > deadline:
                raise BenchImpossible(f"{car_park} still shows {as_of}, not {at}")
            await self._clock.sleep(_REST_POLL_S)

    def _publisher(self) -> Publisher:
        return Publisher(LOOPBACK, self._mqtt_port, "bench-publisher", self._clock)

    def _now(self) -> datetime:
        now = self._clock.now()
        return now - timedelta(microseconds=now.microsecond % 1_000)  # what is shown has milliseconds

    def _event(self, space: int, state: SpaceStateWord, at: datetime) -> SpaceEvent:
        self._seq += 1
        return SpaceEvent(space=f"S{space:02}", state=state, at=at, seq=self._seq, epoch="bench")


async def _put_city(session: aiohttp.ClientSession, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    spaces = [f"S{space:02}" for space in range(SPACES_EACH)]
    for index in range(CAR_PARKS):
        wanted = {
            "operator": OPERATOR,
            "name": _name(index),
            "position": {"lat": 41.7 + index % 25 * 0.008, "lon": 123.3 + index // 25 * 0.008},
            "capacity": SPACES_EACH,
            "spaces": spaces,
        }
        async with session.put(f"/v1/operator/car-parks/{_name(index)}", json=wanted, headers=headers) as response:
            if response.status not in (200, 201):
                raise BenchImpossible(f"PUT of a car park: {response.status} {await response.text()}")


def _name(index: int) -> str:
    return f"bench-{index:03}"


def _message(index: int, events: list[SpaceEvent]) -> tuple[str, bytes]:
    return up_topic(OPERATOR, _name(index), "spaces"), msgspec.json.encode(SpacesMessage(events=events))
