"""Around every request: its id, its end (answer, problem or defect), the log line, the headers that all answers carry.

Outermost of the edge. Nothing that a caller sends is logged but method, route template and request id: plates and
tokens travel in queries, bodies and headers.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kernel.answers import problem_response
from kernel.clock import Clock
from kernel.db import DatabaseAway
from kernel.db_errors import is_away, is_victim
from kernel.edge_problems import BadRequest, BodyTooLarge, InternalError, MethodNotAllowed, NotFound, TryAgain
from kernel.ids import new_id
from kernel.problems import Problem

SLOW_S = 1.0
"""A request that takes this long is worth a line even if it went well."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)

API_CSP = "default-src 'none'; frame-ancestors 'none'"
EXPOSED = "ETag, X-Request-Id, Retry-After, Location, Link, Idempotency-Replayed"

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

log = structlog.get_logger(__name__)


class Observe(Protocol):
    """Takes the measure of a finished request."""

    def __call__(self, *, method: str, route: str, status: int, seconds: float) -> None: ...


def route_of(request: web.Request) -> str:
    """The template that the request matched, "-" when none: never what the caller wrote."""
    resource = request.match_info.route.resource
    return "-" if resource is None else resource.canonical


def request_id_of(request: web.Request, clock: Clock) -> str:
    """The caller's X-Request-Id when it is harmless, else a new one."""
    given = request.headers.get("X-Request-Id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return new_id("req", clock.now())


def edge_middleware(
    clock: Clock,
    *,
    observe: Observe | None = None,
    fallback: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None,
) -> Middleware:
    """The one middleware of the application; `fallback` may still answer what no route matched (pages)."""

    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = clock.monotonic()
        request_id = request_id_of(request, clock)
        request[REQUEST_ID] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await _outcome(request, handler, fallback)
            seconds = clock.monotonic() - started
            route = route_of(request)
            if observe is not None:
                observe(method=request.method, route=route, status=response.status, seconds=seconds)
            told = response.status >= 400 or seconds >= SLOW_S or request.method not in ("GET", "HEAD", "OPTIONS")
            (log.info if told else log.debug)(
                "request", method=request.method, route=route, status=response.status, ms=round(seconds * 1000, 2)
            )
        return response

    return edge


async def _outcome(
    request: web.Request,
    handler: Handler,
    fallback: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None,
) -> web.StreamResponse:
    request_id: str = request[REQUEST_ID]
    try:
        return await handler(request)
    except Problem as problem:
        if problem.status >= 500:
            log.warning("request refused", problem=problem.slug, detail=problem.detail)
        return problem_response(problem, request_id)
    except web.HTTPException as refusal:
        if refusal.status == 404 and fallback is not None:
            page = await fallback(request)
            if page is not None:
                return page
        return _of_aiohttp(request, refusal, request_id)
    except Exception as defect:
        transport = request.transport
        if isinstance(defect, ConnectionError) and (transport is None or transport.is_closing()):
            raise  # the caller has left; there is nobody to answer
        if is_away(defect):
            log.warning("database away", error=type(defect).__name__)
            return problem_response(
                DatabaseAway("the database does not answer: try again soon", headers={"Retry-After": "2"}), request_id
            )
        if is_victim(defect):
            log.warning("transaction undone", error=type(defect).__name__)
            return problem_response(TryAgain(headers={"Retry-After": "1"}), request_id)
        log.exception("request failed", route=route_of(request))
        return problem_response(InternalError("the fault is ours and has been logged"), request_id)


def _of_aiohttp(request: web.Request, refusal: web.HTTPException, request_id: str) -> web.StreamResponse:
    """What aiohttp itself refuses, in our words; redirects stay as they are."""
    match refusal:
        case web.HTTPMethodNotAllowed(allowed_methods=allowed):
            allow = ", ".join(sorted({*allowed, "OPTIONS"}))
            if request.method == "OPTIONS":
                return web.Response(status=204, headers={"Allow": allow, **_preflight(request, allowed)})
            problem: Problem = MethodNotAllowed(f"{request.method[:20]} is not among {allow}", headers={"Allow": allow})
        case web.HTTPNotFound():
            problem = NotFound("see /openapi.json for every address of the API")
        case web.HTTPRequestEntityTooLarge():
            problem = BodyTooLarge()
        case _ if refusal.status < 400:
            raise refusal
        case _ if refusal.status < 500:
            problem = BadRequest()
        case _:
            problem = InternalError()
    return problem_response(problem, request_id)


def _preflight(request: web.Request, allowed: Collection[str]) -> dict[str, str]:
    """Other sites' pages may read what is open to everyone: GET without credentials, nothing else."""
    if "Origin" not in request.headers or "GET" not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID, X-Request-Id",
        "Access-Control-Max-Age": "86400",
    }


def headers_signal(
    public: Collection[Handler],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """The `on_response_prepare` step: for every answer, streams and files included, just before its head is sent."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers["Server"] = "berth"
        request_id = request.get(REQUEST_ID)
        if request_id is not None:
            headers["X-Request-Id"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = API_CSP
        if request.match_info.handler in public:
            headers["Access-Control-Allow-Origin"] = "*"
            headers["Access-Control-Expose-Headers"] = EXPOSED
        elif "Cache-Control" not in headers and response.status < 500:
            headers["Cache-Control"] = "no-store"

    return add
