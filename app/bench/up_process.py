"""`berth up` as a child of a bench, spoken to only by what the contract promises: its one line of JSON, REST, MQTT."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from app.bench.berth_command import berth_command
from app.bench.report import BenchImpossible

READY_S_MAX = 300.0
"""A first start with 250,000 spaces on a busy machine."""
STOP_S_MAX = 30.0


class UpProcess:
    """`berth up --json` on a fresh data directory; entering waits until it says that it is ready."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._argv = [*berth_command(), "up", "--json", "--port", "0", "--data-dir", str(folder / "var"), *options]
        self._log = folder / "up.log"
        self._process: asyncio.subprocess.Process | None = None
        self._line: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("berth up is not running")
        return self._process.pid

    @property
    def http(self) -> str:
        """Root address of REST."""
        return str(self._line["http"])

    @property
    def mqtt_port(self) -> int:
        """Where MQTT 3.1.1 is spoken on loopback."""
        return urlsplit(self._line["mqtt"]).port or 1883

    @property
    def operator_token(self) -> str:
        return str(self._line["tokens"]["operator"])

    async def __aenter__(self) -> "UpProcess":
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        try:
            async with asyncio.timeout(READY_S_MAX):
                self._line = orjson.loads(await _first_line(self._process))
        except (TimeoutError, orjson.JSONDecodeError):
            await self._end()
            raise BenchImpossible(f"berth up did not become ready: {self._last_words()}") from None
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._end()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    return await process.stdout.readline() if process.stdout is not None else b""
