"""The names of the benches and the way to run one."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from app.bench.billing import measure_billing
from app.bench.freshness import measure_freshness
from app.bench.ingest import measure_ingest
from app.bench.memory import measure_memory
from app.bench.noise import measure_noise
from app.bench.outage import measure_outage
from app.bench.report import BenchImpossible, BenchReport
from app.bench.reserve import measure_reserve
from app.bench.search import measure_search
from app.bench.storm import measure_storm
from kernel.clock import Clock, SystemClock

Progress = Callable[[str], None]


class Bench(Protocol):
    """A bench measures, tells its progress in sentences, and reports."""

    def __call__(self, clock: Clock, *, runs: int, progress: Progress) -> Awaitable[BenchReport]: ...


_BENCHES: dict[str, Bench] = {
    "ingest": measure_ingest,
    "storm": measure_storm,
    "outage": measure_outage,
    "noise": measure_noise,
    "freshness": measure_freshness,
    "memory": measure_memory,
    "reserve": measure_reserve,
    "billing": measure_billing,
    "search": measure_search,
}

NAMES = tuple(_BENCHES)


async def run(
    name: str,
    *,
    runs: int = 5,
    seconds: int | None = None,
    progress: Progress = lambda _: None,
    clock: Clock | None = None,
) -> BenchReport:
    """Measure. Raises BenchImpossible with what is missing, or for a name that is not in NAMES.

    `seconds`: how long the outage of `outage` is; for no other bench.
    """
    bench = _BENCHES.get(name)
    if bench is None:
        raise BenchImpossible(f"no bench is called {name!r}; there are {', '.join(NAMES)}")
    if seconds is not None:
        if name != "outage":
            raise BenchImpossible(f"only `outage` takes --seconds; how long {name!r} takes is part of what it measures")
        return await measure_outage(clock or SystemClock(), runs=runs, seconds=seconds, progress=progress)
    return await bench(clock or SystemClock(), runs=runs, progress=progress)
