"""Runs the baseline process of `ingest` (`app.bench.stock_paho`) and reads its answer."""

import asyncio
import sys
from dataclasses import dataclass

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
    await _run("subscribe", str(port))


async def drain_stock(port: int, messages: int) -> Drained:
    """Take `messages` out of the session."""
    answer = orjson.loads(await _run("drain", str(port), str(messages)))
    return Drained(seconds=answer["seconds"], cpu_s=answer["cpu_s"])


async def _run(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.bench.stock_paho", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
    except TimeoutError:
        process.kill()
        raise BenchImpossible(f"stock paho did not finish `{' '.join(arguments)}`") from None
    if process.returncode != 0:
        raise BenchImpossible(f"stock paho failed: {err.decode(errors='replace')[-1000:]}")
    return out
