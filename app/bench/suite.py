"""The names of the benches and the way to run one."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from app.bench.freshness import measure_freshness
from app.bench.ingest import measure_ingest
from app.bench.memory import measure_memory
from app.bench.report import BenchImpossible, BenchReport
from kernel.clock import Clock, SystemClock

Progress = Callable[[str], None]


class Bench(Protocol):
    """A bench measures, tells its progress in sentences, and reports."""

    def __call__(self, clock: Clock, *, runs: int, progress: Progress) -> Awaitable[BenchReport]: ...


_BENCHES: dict[str, Bench] = {"ingest": measure_ingest, "freshness": measure_freshness, "memory": measure_memory}

NAMES = tuple(_BENCHES)


async def run(
    name: str, *, runs: int = 5, progress: Progress = lambda _: None, clock: Clock | None = None
) -> BenchReport:
    """Measure. Raises BenchImpossible with what is missing, or for a name that is not in NAMES."""
    bench = _BENCHES.get(name)
    if bench is None:
        raise BenchImpossible(f"no bench is called {name!r}; there are {', '.join(NAMES)}")
    return await bench(clock or SystemClock(), runs=runs, progress=progress)
