"""Runs the baselines of `ingest` as processes (`app.bench.stock_paho`, `naive_pipeline`) and reads their answers."""

import asyncio
import sys
from dataclasses import dataclass
from importlib.util import find_spec

import orjson

from app.bench.report import BenchImpossible

_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Drained:
    """What the baseline took: wall seconds and CPU seconds from the first message to the last."""

    seconds: float
    cpu_s: float


async def subscribe_stock(port: int) -> None:
    """Leave an empty session with a subscription at the broker."""
    await _run("app.bench.stock_paho", "subscribe", str(port))


async def drain_stock(port: int, messages: int) -> Drained:
    """Take `messages` out of the session."""
    return _drained(await _run("app.bench.stock_paho", "drain", str(port), str(messages)))


def has_naive() -> bool:
    """Whether the naive pipeline can run: it needs aiomqtt, which `make dev` installs and Berth itself does not use."""
    return find_spec("aiomqtt") is not None


async def subscribe_naive(port: int, database_url: str) -> None:
    """The same for the naive pipeline."""
    await _run("app.bench.naive_pipeline", "subscribe", str(port), database_url)


async def drain_naive(port: int, database_url: str, messages: int) -> Drained:
    """Store `messages` out of the session, one INSERT each."""
    return _drained(await _run("app.bench.naive_pipeline", "drain", str(port), database_url, str(messages)))


def _drained(answer: bytes) -> Drained:
    told = orjson.loads(answer)
    return Drained(seconds=told["seconds"], cpu_s=told["cpu_s"])


async def _run(module: str, *arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
    except TimeoutError:
        process.kill()
        raise BenchImpossible(f"{module} did not finish `{' '.join(arguments)}`") from None
    if process.returncode != 0:
        raise BenchImpossible(f"{module} failed: {err.decode(errors='replace')[-1000:]}")
    return out
