"""What is asked of a process without credentials: is it alive, is it ready, which version is it.

Anyone may ask, as often as he likes: an answer is good for a moment, and everybody who asks meanwhile gets the same
one, so a flood of questions costs the database one query a second.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from kernel.answers import JSON, dump
from kernel.clock import Clock

Probe = Callable[[], Awaitable[object]]
"""Returns when its part is ready; raises with the reason when it is not."""

PROBE_S_MAX = 2.0
"""A part that takes longer to say that it is ready is not."""
READY_S: Final = 1.0
"""How long "ready" is believed: who takes a process out of service looks every few seconds at most."""
NOT_READY_S: Final = 0.1
"""How long "not ready" is believed: a start is not held up by it."""

log = structlog.get_logger(__name__)


class Readiness:
    """All parts of a process, asked once at a time."""

    def __init__(self, probes: Mapping[str, Probe], clock: Clock) -> None:
        self._probes = probes
        self._clock = clock
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._good_until = 0.0

    async def parts(self) -> dict[str, str]:
        """By name: "ok", or why not; as of a moment ago."""
        asked = self._asking
        if asked is None or (asked.done() and self._clock.monotonic() >= self._good_until):
            asked = self._asking = asyncio.create_task(self._ask(), name="readiness")
        return await asyncio.shield(asked)

    async def _ask(self) -> dict[str, str]:
        parts = dict(await asyncio.gather(*(_told(name, probe) for name, probe in self._probes.items())))
        good_s = READY_S if all(state == "ok" for state in parts.values()) else NOT_READY_S
        self._good_until = self._clock.monotonic() + good_s
        return parts


def probe_routes(probes: Mapping[str, Probe], version: Mapping[str, str], clock: Clock) -> list[web.RouteDef]:
    """/livez, /readyz and /version, for the server and for the small one of processes without HTTP of their own."""
    told = dump({"name": "berth", "python": platform.python_version(), **version})
    readiness = Readiness(probes, clock)

    async def livez(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        """200 when every part is ready, else 503; the parts by name either way."""
        parts = await readiness.parts()
        ready = all(state == "ok" for state in parts.values())
        body = dump({"ready": ready, "parts": parts})
        return web.Response(status=200 if ready else 503, body=body, content_type=JSON)

    async def version_of(request: web.Request) -> web.Response:
        return web.Response(body=told, content_type=JSON)

    return [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/version", version_of)]


async def _told(name: str, probe: Probe) -> tuple[str, str]:
    try:
        async with asyncio.timeout(PROBE_S_MAX):
            await probe()
    except TimeoutError:
        return name, f"no answer in {PROBE_S_MAX:g} s"
    except Exception as reason:
        log.info("not ready", part=name, error=repr(reason))
        return name, type(reason).__name__
    return name, "ok"
