"""Placeholder replaced below."""

from collections.abc import Callable

from app.bench.report import BenchReport
from kernel.clock import Clock


async def measure_memory(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    raise NotImplementedError
