"""What is asked of a running process: is it alive, is it ready, what has it counted.

The api answers on its own port and shows its siblings' metrics as well; gateway and worker have no other HTTP and get
this small server on a loopback port.
"""

import asyncio
from collections.abc import Mapping

import aiohttp
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from kernel.clock import Clock
from kernel.metrics import CONTENT_TYPE, exposition, merged
from kernel.probes import Probe, probe_routes
from kernel.webserver import WebServer

FETCH_S_MAX = 2.0
"""A sibling that does not answer in this time is left out, so that one stuck process does not blind the others."""

log = structlog.get_logger(__name__)


def monitoring_server(
    probes: Mapping[str, Probe], registry: CollectorRegistry, version: Mapping[str, str], clock: Clock
) -> WebServer:
    """/livez, /readyz, /version and /metrics of this process alone."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=exposition(registry), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.add_routes([*probe_routes(probes, version, clock), web.get("/metrics", metrics)])
    return WebServer(application)


class CityMetrics:
    """The api's `/metrics`: its own and those of the processes beside it, by role."""

    def __init__(self, registry: CollectorRegistry, also: Mapping[str, str]) -> None:
        self._registry = registry
        self._also = dict(also)

    async def handle(self, _request: web.Request) -> web.Response:
        """Answer /metrics; what a sibling does not tell in time is missing, not waited for."""
        timeout = aiohttp.ClientTimeout(total=FETCH_S_MAX)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            told = await asyncio.gather(*(_fetch(session, role, url) for role, url in self._also.items()))
        texts = {"api": exposition(self._registry)} | {role: text for role, text in told if text}
        return web.Response(text=merged(texts), headers={"Content-Type": CONTENT_TYPE})


async def _fetch(session: aiohttp.ClientSession, role: str, url: str) -> tuple[str, str]:
    try:
        async with session.get(url) as response:
            return role, await response.text() if response.status == 200 else ""
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("no metrics", of=role, error=repr(error))
        return role, ""
