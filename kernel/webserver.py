"""The HTTP server of a process: every service's operations, the probes, the description and the pages in one aiohttp
application. `app` builds it with `make_application` and runs it with `WebServer`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from kernel.access_problems import NotFromHere
from kernel.addresses import LOCAL_NETWORKS, Network, Proxies
from kernel.answers import JSON, Raw, answer, dump, etag_of, respond
from kernel.auth import Authenticator
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway
from kernel.edge_problems import EDGE_PROBLEMS
from kernel.http import Edge, Mounted, handler_of, operations_of
from kernel.middleware import Observe, edge_middleware, headers_signal
from kernel.openapi import describe
from kernel.pages import NOT_BUILT, Pages, docs_routes, problem_routes
from kernel.probes import Probe, probe_routes
from kernel.protocol import EdgeRunner
from kernel.rates import Rate, RateLimits
from kernel.sse import CLOCK, STREAMS, STREAMS_MAX, STREAMS_PER_ADDRESS_MAX, Streams

STOP_S_MAX = 5.0
"""Running requests may take this long to end when the server stops; live streams are ended at once."""
BODY_BYTES_CEILING = 64 * 1024 * 1024
"""aiohttp's own limit, above every operation's `body_bytes_max`, which is what counts."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What may differ between installations."""

    pages: Path | None = None
    rate_caller: str = "6000/minute"
    """A busy operator's system; a person needs a hundredth."""
    rate_anonymous: str = "3000/minute"
    """Per address: thousands of phones share one behind a carrier's NAT."""
    proxies: Proxies = field(default_factory=Proxies)
    """Whose X-Forwarded-For is believed."""
    metrics_from: Sequence[Network] = LOCAL_NETWORKS
    """Who may read /metrics: it tells what a city does and how well, and takes time to write."""
    streams_max: int = STREAMS_MAX
    streams_per_address_max: int = STREAMS_PER_ADDRESS_MAX
    version: Mapping[str, str] = field(default_factory=dict)
    """What /version tells: `version`, `commit` and what else the composer knows."""


def make_application(
    apis: Iterable[object],
    *,
    clock: Clock,
    authenticator: Authenticator,
    database: Database | None = None,
    options: WebOptions | None = None,
    probes: Mapping[str, Probe] | None = None,
    metrics: Handler | None = None,
    observe: Observe | None = None,
) -> web.Application:
    """The application that serves `apis`. Raises TypeError for an operation that cannot be served or named twice.

    `metrics` answers /metrics, e.g. `prometheus_client.aiohttp.make_aiohttp_handler(registry)`; `observe` measures
    requests.
    """
    options = options or WebOptions()
    pages = Pages(options.pages)
    limits = RateLimits(
        clock,
        caller=Rate.of(options.rate_caller),
        anonymous=Rate.of(options.rate_anonymous),
        proxies=options.proxies,
    )
    edge = Edge(clock, authenticator, database, limits)
    application = web.Application(
        middlewares=[edge_middleware(clock, observe=observe, fallback=pages.serve)],
        client_max_size=BODY_BYTES_CEILING,
    )
    application[CLOCK] = clock
    application[STREAMS] = Streams(
        options.proxies, streams_max=options.streams_max, per_address_max=options.streams_per_address_max
    )
    mounted = [one for api in apis for one in operations_of(api)]
    public = _mount(application, mounted, edge)
    application.on_response_prepare.append(headers_signal(public))
    application.on_shutdown.append(_end_streams)
    described = describe(mounted, version=options.version.get("version", "0"))
    application.add_routes(_description_routes(dump(described)))
    application.add_routes(probe_routes(probes or {}, options.version, clock))
    application.add_routes(docs_routes(pages))
    problems = {problem for one in mounted for problem in one.operation.problems}
    application.add_routes(problem_routes({*EDGE_PROBLEMS, DatabaseAway, *problems}))
    if metrics is not None:
        application.router.add_get("/metrics", _for_neighbours(metrics, options))
    if not pages.built:
        log.error("pages not built", advice=NOT_BUILT)
    return application


def _mount(application: web.Application, mounted: Collection[Mounted], edge: Edge) -> frozenset[Handler]:
    """Add the routes; the handlers whose answers are open to other sites' pages."""
    public: set[Handler] = set()
    taken: dict[tuple[str, str], str] = {}
    # A fixed segment goes before a parameter in the same place: /v1/x/stream before /v1/x/{id}.
    for one in sorted(mounted, key=lambda one: one.operation.path.replace("{", "\x7f")):
        address = (one.operation.method, one.operation.path)
        if address in taken:
            raise TypeError(f"{one.id} and {taken[address]} both serve {address[0]} {address[1]}")
        taken[address] = one.id
        handler = handler_of(one, edge)
        if one.operation.method == "GET":
            application.router.add_get(one.operation.path, handler, allow_head=not one.operation.streams)
            if not one.operation.scopes:
                public.add(handler)
        else:
            application.router.add_route(one.operation.method, one.operation.path, handler)
    return frozenset(public)


def _for_neighbours(metrics: Handler, options: WebOptions) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if not options.proxies.is_within(request, options.metrics_from):
            raise NotFromHere("metrics are told to the networks in BERTH_HTTP__METRICS_FROM")
        return await metrics(request)

    return handle


async def _end_streams(application: web.Application) -> None:
    application[STREAMS].end()


def _description_routes(document: bytes) -> list[web.RouteDef]:
    etag = etag_of(document)

    async def openapi(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
        return respond(request, answer(Raw(document, JSON, headers, etag=etag), status=200))

    return [web.get("/openapi.json", openapi)]


class WebServer:
    """A running application on one address."""

    def __init__(self, application: web.Application) -> None:
        self._runner = EdgeRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=STOP_S_MAX, keepalive_timeout=75.0
        )

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, chosen by the system for 0. Raises OSError when it is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024, reuse_address=True)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Refuse new connections, end streams, let running requests finish for `STOP_S_MAX`."""
        await self._runner.cleanup()
