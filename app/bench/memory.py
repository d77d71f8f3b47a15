"""How much memory the whole demonstration city takes: every process of `berth up --demo`, shared pages counted once.

PSS (proportional set size) splits a page that several processes share between them, so that the sum over PostgreSQL's
backends and the pre-loaded libraries is what the machine really has less.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil

from app.bench.report import BenchImpossible, BenchReport, Result
from app.bench.up_process import UpProcess
from kernel.clock import Clock

CAR_PARKS = 608
LIVE_S_MAX = 300.0
SETTLE_S = 60.0
"""A minute of the simulated city after everything is live: caches are warm then, and the peak is in the samples."""
_SAMPLE_EVERY_S = 5.0


async def measure_memory(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metric `rss_mb_608`: the largest sample of the minute, in MB (10^6 bytes). One run, whatever `runs` says."""
    del runs
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        progress("starting the demonstration city")
        started = clock.monotonic()
        async with UpProcess(Path(name), "--demo", "--car-parks", str(CAR_PARKS)) as up:
            ready_s = clock.monotonic() - started
            live_s = await _all_live(up, clock, progress) + ready_s
            progress(f"all live after {live_s:.0f} s; sampling for {SETTLE_S:.0f} s")
            samples = []
            for _ in range(int(SETTLE_S / _SAMPLE_EVERY_S)):
                await clock.sleep(_SAMPLE_EVERY_S)
                samples.append(await asyncio.to_thread(_memory_mb, up.pid))
    largest = max(samples, key=lambda sample: sum(sample.values()))
    return BenchReport(
        "memory",
        [
            Result("rss_mb_608", sum(largest.values()), "MB"),
            *(Result(f"rss_mb_608_{role}", mb, "MB") for role, mb in sorted(largest.items())),
            Result("up_ready_s", ready_s, "s"),
            Result("all_608_live_s", live_s, "s"),
        ],
        notes=["PSS summed over all processes of `berth up --demo`, the largest of 12 samples in a minute"],
    )


async def _all_live(up: UpProcess, clock: Clock, progress: Callable[[str], None]) -> float:
    """Seconds until every car park shows numbers that are not stale."""
    started = clock.monotonic()
    async with aiohttp.ClientSession(up.http) as session:
        while True:
            live = await _live_car_parks(session)
            waited_s = clock.monotonic() - started
            if live >= CAR_PARKS:
                return waited_s
            if waited_s > LIVE_S_MAX:
                raise BenchImpossible(f"only {live} of {CAR_PARKS} car parks are live after {waited_s:.0f} s")
            progress(f"{live} of {CAR_PARKS} car parks are live")
            await clock.sleep(1.0)


async def _live_car_parks(session: aiohttp.ClientSession) -> int:
    live, cursor = 0, None
    while True:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        async with session.get("/v1/car-parks", params=query) as response:
            response.raise_for_status()
            page = await response.json()
        for card in page["items"]:
            known = card["availability"]
            live += known is not None and known["free"] is not None and not known["stale"]
        cursor = page["next"]
        if cursor is None:
            return live


def _memory_mb(pid: int) -> dict[str, float]:
    """PSS by role, in 10^6 bytes."""
    found: dict[str, float] = {}
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            role = _role(process)
            found[role] = found.get(role, 0.0) + process.memory_full_info().pss / 1e6
    return found


def _role(process: psutil.Process) -> str:
    words = process.cmdline()
    if process.name().startswith("postgres"):
        return "postgres"
    for word, role in (("app.broker", "broker"), ("simulate", "simulate"), ("up", "supervisor")):
        if word in words:
            return role
    return words[words.index("serve") + 1] if "serve" in words else process.name()
