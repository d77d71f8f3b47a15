"""The database is away while devices go on: how much the gateway's memory grows, and that everything is there later."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from app.bench.commit_delay import EVENTS_S, in_step
from app.bench.load import SPACES
from app.bench.publisher import Publisher
from app.bench.report import BenchImpossible, BenchReport, Result
from app.bench.rig import Rig, standing_rig
from app.processes import LOOPBACK
from kernel.clock import Clock
from kernel.db_errors import will_pass

SECONDS = 60
WARM_UP_S = 10
_SAMPLE_EVERY_S = 1.0
_MIB = 2**20


async def measure_outage(
    clock: Clock, *, runs: int, seconds: int = SECONDS, progress: Callable[[str], None]
) -> BenchReport:
    """Metric `memory_growth_mib` over an outage of `seconds` at EVENTS_S events a second. One long run."""
    del runs
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with standing_rig(clock, Path(name)) as rig:
            progress(f"a first word from every one of {SPACES:,} spaces")
            await rig.first_words()
            made, before = rig.load.made, await rig.received()
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(_speak(rig, WARM_UP_S + seconds))
                await clock.sleep(WARM_UP_S)
                base, base_made = _memory(rig), rig.load.made
                progress(f"no database for {seconds} s at {EVENTS_S} events/s")
                await asyncio.to_thread(rig.postgres.stop)
                samples = []
                while not speaking.done():
                    await clock.sleep(_SAMPLE_EVERY_S)
                    samples.append(_memory(rig) - base)
                away_events = rig.load.made - base_made
                await asyncio.to_thread(rig.postgres.start)
                back_at = clock.monotonic()
            progress("the database is back")
            events = rig.load.made - made
            await _caught_up(rig, before + events)
            caught_up_s = clock.monotonic() - back_at
            missing = events - await rig.stored(made)
            after = _memory(rig) - base
    if missing:
        raise BenchImpossible(f"{missing} of {events} events are missing after the outage")
    half = len(samples) // 2
    return BenchReport(
        "outage",
        [
            Result("memory_growth_mib", max(samples) / _MIB, "MiB"),
            Result("memory_growth_mib_first_half", max(samples[:half]) / _MIB, "MiB"),
            Result("memory_growth_mib_per_minute", (max(samples) - max(samples[:half])) / _MIB * 120 / seconds, "MiB"),
            Result("memory_growth_mib_afterwards", after / _MIB, "MiB"),
            Result("caught_up_s", caught_up_s, "s"),
            Result("events_lost", missing, "events"),
        ],
        notes=[
            f"{away_events:,} events in {seconds} s without a database; memory is the gateway's USS, the largest of a"
            " sample a second; per minute: over the second half, when everything that may wait does"
        ],
    )


def _memory(rig: Rig) -> int:
    return int(psutil.Process(rig.gateway.pid).memory_full_info().uss)


async def _speak(rig: Rig, seconds: int) -> None:
    async with Publisher(LOOPBACK, rig.broker.port, "bench-publisher", rig.clock) as publisher:
        async for _ in in_step(rig, EVENTS_S, seconds):
            for topic, payload in rig.load.singles(1):
                await publisher.publish(topic, payload)
        await publisher.acknowledged()


async def _caught_up(rig: Rig, received: int) -> None:
    """Wait until the books hold `received` events; the bench's own connections have to come back as well."""
    deadline = rig.clock.monotonic() + 60.0
    while True:
        try:
            if await rig.received() >= received:
                return
        except Exception as error:
            if not will_pass(error):
                raise
        if rig.clock.monotonic() > deadline:
            raise BenchImpossible(f"the gateway did not come back: {rig.gateway.last_words()}")
        await rig.clock.sleep(0.1)
