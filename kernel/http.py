"""The edge of every service: `@operation` on a method, and the dispatch from a request to it.

    class CarParksApi:
        @operation(get="/v1/car-parks/{car_park}", summary="One car park", responses={200: Card},
                   problems=(UnknownCarPark,))
        async def one(self, car_park: CarParkId) -> Card: ...

`handler_of` makes the aiohttp handler of an operation: authenticate, check scopes and rate, bind (`kernel.binding`),
call, answer (`kernel.answers`). With `idempotent=True` the call happens inside the transaction of
`kernel.idempotency`, which hands `tx` over. What services need of the edge is imported from here.
"""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from kernel.access_problems import Unauthenticated
from kernel.answers import Answer, Created, NoContent, Raw, answer, respond
from kernel.auth import Authenticator
from kernel.binding import Header
from kernel.callers import ANONYMOUS, OPERATE, Caller
from kernel.clock import Clock
from kernel.db import Database, Tx
from kernel.edge_problems import InvalidParameter, MalformedBody, NotAcceptable
from kernel.idempotency import Claim, key_of, once
from kernel.json_body import canonical_sha256, check_content_type, parse, read_body
from kernel.moments import Moment
from kernel.operations import Mounted, Operation, operation, operations_of
from kernel.pagination import (
    LIMIT_DEFAULT,
    Cursor,
    Limit,
    Page,
    after_id,
    below_id,
    decode_cursor,
    encode_cursor,
    listing,
    page_by,
)
from kernel.signatures import SignedRequest

__all__ = [
    "ANONYMOUS",
    "LIMIT_DEFAULT",
    "OPERATE",
    "Caller",
    "Created",
    "Cursor",
    "Edge",
    "Header",
    "InvalidParameter",
    "Limit",
    "MalformedBody",
    "Moment",
    "Mounted",
    "NoContent",
    "Operation",
    "Page",
    "Raw",
    "SignedRequest",
    "after_id",
    "below_id",
    "decode_cursor",
    "encode_cursor",
    "handler_of",
    "operation",
    "operations_of",
    "page_by",
]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RateCheck(Protocol):
    """Whether whoever sends `request` as `caller` may have one more now."""

    def __call__(self, request: web.Request, caller: Caller) -> None:
        """Raises TooManyRequests."""
        ...


@dataclass(frozen=True, slots=True)
class Edge:
    """What dispatch needs beside the operation."""

    clock: Clock
    authenticator: Authenticator
    database: Database | None = None
    check_rate: RateCheck | None = None


def handler_of(mounted: Mounted, edge: Edge) -> Handler:
    """The aiohttp handler of one operation."""
    made, plan, call = mounted.operation, mounted.plan, mounted.call
    wants_caller = "caller" in plan.handed_in
    wants_request = "request" in plan.handed_in
    wants_auth = wants_caller or bool(made.scopes)
    body = plan.body
    if made.idempotent and edge.database is None:
        raise TypeError(f"{mounted.id} is idempotent and there is no database")

    async def handle(request: web.Request) -> web.StreamResponse:
        caller, signed = await _identified(request, mounted, edge) if wants_auth else (ANONYMOUS, None)
        if edge.check_rate is not None:
            edge.check_rate(request, caller)
        accepts = request.headers.get("Accept")
        if accepts is not None and "*/*" not in accepts and not made.for_devices:
            _check_accept(accepts, made.media_types)
        key = key_of(request) if made.idempotent else ""
        arguments = plan.bind(request, lenient=made.for_devices)
        if wants_caller:
            arguments["caller"] = caller
        if wants_request:
            arguments["request"] = request
        if signed is not None:
            arguments["signed"] = signed
        said: object = None
        if body is not None:
            raw = await read_body(request, made.body_bytes_max)
            if raw or not body.optional:
                check_content_type(request)
                said = parsed = parse(raw)
                arguments[body.name] = body.validate(raw, parsed)
        if made.idempotent:
            return await _once(request, caller, key, said, arguments)
        with listing(request.path, arguments) if plan.in_pages else nullcontext():
            result = await call(**arguments)
        if isinstance(result, web.StreamResponse):
            return result
        return respond(request, answer(result, status=made.status, etag=made.etag))

    async def _once(
        request: web.Request, caller: Caller, key: str, said: object, arguments: dict[str, Any]
    ) -> web.StreamResponse:
        whole = [dict(request.match_info), list(request.query.items()), said]
        claim = Claim(caller.principal, f"{made.method} {made.path}", key, canonical_sha256(whole))

        async def effect(tx: Tx) -> Answer:
            return answer(await call(**arguments, tx=tx), status=made.status)

        assert edge.database is not None  # noqa: S101  # checked when the handler was made
        given, repeated = await once(edge.database, claim, effect)
        response = respond(request, given)
        if repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    return handle


async def _identified(request: web.Request, mounted: Mounted, edge: Edge) -> tuple[Caller, SignedRequest | None]:
    """Who calls, by signature where that is wanted. Raises Unauthenticated, MissingScope, TooManyRequests."""
    signed: SignedRequest | None = None
    try:
        if "signed" in mounted.plan.handed_in:
            caller, signed = await edge.authenticator.signer(request, mounted.operation.body_bytes_max)
        else:
            caller = await edge.authenticator.caller(request)
    except Unauthenticated:
        if edge.check_rate is not None:
            edge.check_rate(request, ANONYMOUS)  # guessing keys costs us look-ups
        raise
    if mounted.operation.scopes:
        caller.require(mounted.operation.scopes)
    return caller, signed


def _check_accept(accepts: str, media_types: tuple[str, ...]) -> None:
    """Raises NotAcceptable when `accepts` (an Accept header without */*) has room for none of `media_types`."""
    for wanted in accepts.split(","):
        kind, *settings = (part.strip().lower() for part in wanted.split(";"))
        if any(setting.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for setting in settings):
            continue
        for media_type in media_types:
            if kind in ("", media_type, media_type.split("/")[0] + "/*", "application/problem+json"):
                return
    raise NotAcceptable(f"this is answered in {' or '.join(media_types)}", available=list(media_types))
