"""What some do to the others: broken messages among good ones, and a car park that sends ten times what all others do.

*Poison*: a backlog of which every hundredth message cannot be understood, beside one without; all of them must be in
the dead letters. *Flood*: the time from publish to commit of everyone else, with and without the flood.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from app.bench import sql
from app.bench.commit_delay import EVENTS_S, commit_delays_ms
from app.bench.load import CAR_PARKS, OPERATOR, SPACES, car_park_id
from app.bench.processes_cpu import cores_used
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles, spread
from app.bench.rig import Rig, standing_rig
from contracts.wire import up_topic
from kernel.clock import Clock

SINGLES = 20_000
POISON_EVERY = 100
FLOOD_TIMES = 10
SECONDS = 15


async def measure_noise(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `events_s_with_poison` and `publish_to_commit_ms_flooded_p99`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with standing_rig(clock, Path(name)) as rig:
            progress(f"a first word from every one of {SPACES:,} spaces")
            await rig.first_words()
            await rig.stop_gateway()
            clean: list[float] = []
            poisoned: list[float] = []
            for number in range(1, runs + 1):
                for with_poison in (number % 2 == 0, number % 2 == 1):  # whoever is second finds another machine
                    progress(f"run {number} of {runs}: {'with' if with_poison else 'without'} poison")
                    if with_poison:
                        poisoned.append(await _poisoned(rig))
                    else:
                        clean.append((await rig.drain_backlog(rig.load.singles(SINGLES), SINGLES))[0])
            rig.gateway.start()
            await rig.listening()
            calm_ms: list[float] = []
            flooded_ms: list[float] = []
            cores: dict[str, list[float]] = {}
            for number in range(1, runs + 1):
                progress(f"run {number} of {runs}: {EVENTS_S} events/s, then the same in a flood")
                calm_ms += await commit_delays_ms(rig, SECONDS)
                meter = rig.meter()
                before, started = meter.read(), clock.monotonic()
                flooded_ms += await commit_delays_ms(rig, SECONDS, flood_s=FLOOD_TIMES * EVENTS_S)
                for part, used in cores_used(before, meter.read(), clock.monotonic() - started).items():
                    cores.setdefault(f"flood_cores_{part}", []).append(used)
    calm = percentiles("publish_to_commit_ms", calm_ms)
    without = Result("", median(clean), "", baseline="without poison")
    return BenchReport(
        "noise",
        [
            *spread("events_s_with_poison", poisoned, "events/s", baseline=without),
            *spread("events_s_without_poison", clean, "events/s"),
            Result("poison_not_in_dead_letters", 0, "messages"),
            *percentiles("publish_to_commit_ms_flooded", flooded_ms, baseline=calm[0]),
            *calm,
            *(Result(name, median(used), "cores") for name, used in sorted(cores.items())),
        ],
        notes=[
            f"median of {runs} runs of {SINGLES:,} messages; the flood is {FLOOD_TIMES * EVENTS_S:,} events/s, one a"
            f" message, beside {EVENTS_S} events/s of the whole city, whose delays count"
        ],
    )


async def _poisoned(rig: Rig) -> float:
    """Messages a second; raises BenchImpossible when a broken one is not in the dead letters."""
    since = rig.clock.now()
    dead = SINGLES // POISON_EVERY
    rate, _ = await rig.drain_backlog(_with_poison(rig, SINGLES), SINGLES, dead=dead)
    async with rig.database.transaction() as tx:
        kept = await sql.dead_letters_since(tx, since)
    if kept != dead:
        raise BenchImpossible(f"{dead} messages were broken, {kept} are in the dead letters")
    return rate


def _with_poison(rig: Rig, count: int) -> Iterator[tuple[str, bytes]]:
    """Every POISON_EVERYth was cut on its way: no two of them are equal."""
    for number in range(count):
        if number % POISON_EVERY == 0:
            topic = up_topic(OPERATOR, car_park_id(number % CAR_PARKS), "spaces")
            yield topic, b'{"events": [{"space": "B1-001", "seq": %d, "state": "occ' % number
        else:
            yield from rig.load.singles(1)
