"""The edge of every service: `@operation` on a method, and the dispatch from a request to it.

    class CarParksApi:
        @operation(get="/v1/car-parks/{car_park}", summary="One car park", responses={200: Card},
                   problems=(UnknownCarPark,))
        async def one(self, car_park: CarParkId) -> Card: ...

The decorator only notes what the operation is; `operations_of` reads the notes of an API object when `app` mounts it,
`handler_of` makes the aiohttp handler: authenticate, check scopes and rate, bind (`kernel.binding`), call, answer
(`kernel.answers`). With `idempotent=True` the call happens inside the transaction of `kernel.idempotency`, which hands
`tx` over. `kernel.openapi` describes the same notes.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, get_args

from aiohttp import web

from kernel.answers import JSON, Answer, Created, NoContent, Raw, answer, respond
from kernel.auth import Authenticator
from kernel.binding import Header, Plan, plan_of
from kernel.callers import ANONYMOUS, Caller
from kernel.clock import Clock
from kernel.db import Database, Tx
from kernel.edge_problems import InvalidParameter, MalformedBody, NotAcceptable
from kernel.idempotency import Claim, key_of, once
from kernel.json_body import BODY_BYTES_MAX, canonical_sha256, check_content_type, parse, read_body
from kernel.moments import Moment
from kernel.pagination import Page, decode_cursor, encode_cursor
from kernel.problems import Problem

__all__ = [
    "ANONYMOUS",
    "Caller",
    "Created",
    "Header",
    "InvalidParameter",
    "MalformedBody",
    "Moment",
    "NoContent",
    "Operation",
    "Page",
    "Raw",
    "decode_cursor",
    "encode_cursor",
    "operation",
]

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

EVENT_STREAM = "text/event-stream"
_NOTE = "__berth_operation__"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one operation promises. `responses` maps a status to a model, to a media type (a string) or to None."""

    method: str
    path: str
    summary: str
    description: str = ""
    tags: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    idempotent: bool = False
    responses: Mapping[int, Any] = field(default_factory=dict)
    problems: tuple[type[Problem], ...] = ()
    etag: bool = False
    body_bytes_max: int = BODY_BYTES_MAX
    deprecated: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """What a plain model is answered with: 200 where declared, else the first success."""
        successes = [status for status in self.responses if status < 300]
        return 200 if 200 in successes or not successes else successes[0]

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream of events."""
        return EVENT_STREAM in self.media_types

    @property
    def media_types(self) -> tuple[str, ...]:
        """What a success is written in."""
        said = {kind if isinstance(kind, str) else JSON for status, kind in self.responses.items() if status < 300}
        return tuple(sorted(said)) or (JSON,)


def operation(
    *,
    summary: str,
    get: str | None = None,
    post: str | None = None,
    put: str | None = None,
    patch: str | None = None,
    delete: str | None = None,
    tags: Sequence[str] = (),
    scopes: Collection[str] | None = None,
    idempotent: bool = False,
    responses: Mapping[int, Any] | None = None,
    problems: Sequence[type[Problem]] = (),
    etag: bool = False,
    body_bytes_max: int = BODY_BYTES_MAX,
    deprecated: bool = False,
    examples: Mapping[str, Any] | None = None,
) -> Callable[[Method], Method]:
    """Note on a method of an API class which operation it serves.

    Exactly one of the verbs names the path. No `scopes`: open to everyone, and a `caller` may be anonymous. `etag`
    gives a JSON answer a validator made from its bytes. `examples` are bodies by name, for the API description.
    Raises TypeError for a note that contradicts itself.
    """
    verbs = {"GET": get, "POST": post, "PUT": put, "PATCH": patch, "DELETE": delete}
    named = [(verb, path) for verb, path in verbs.items() if path is not None]
    if len(named) != 1:
        raise TypeError("an operation has exactly one of get, post, put, patch, delete")
    if idempotent and not scopes:
        raise TypeError("an idempotent operation needs scopes: its key belongs to somebody")
    declared = dict(responses or {200: None})
    refused = [kind for status, kind in declared.items() if status >= 400]
    described = [problem for kind in refused for problem in (get_args(kind) or (kind,))]

    def note(method: Method) -> Method:
        made = Operation(
            method=named[0][0],
            path=named[0][1],
            summary=summary,
            description=inspect.cleandoc(method.__doc__ or ""),
            tags=tuple(tags),
            scopes=frozenset(scopes or ()),
            idempotent=idempotent,
            responses={status: kind for status, kind in declared.items() if status < 400},
            problems=tuple(dict.fromkeys([*problems, *described])),
            etag=etag,
            body_bytes_max=body_bytes_max,
            deprecated=deprecated,
            examples=dict(examples or {}),
        )
        setattr(method, _NOTE, made)
        return method

    return note


@dataclass(frozen=True, slots=True)
class Mounted:
    """One operation of one API object, ready to be served or described."""

    operation: Operation
    plan: Plan
    call: Callable[..., Awaitable[Any]]
    id: str


def operations_of(api: object) -> list[Mounted]:
    """The operations of `api`, in the order of its source. Raises TypeError when one cannot be served."""
    found = []
    for name, function in vars(type(api)).items():
        made: Operation | None = getattr(function, _NOTE, None)
        if made is None:
            continue
        plan = plan_of(function, made.path)
        if made.idempotent != ("tx" in plan.handed_in):
            raise TypeError(f"{function.__qualname__}: `tx` is handed in exactly when idempotent=True")
        found.append(Mounted(made, plan, getattr(api, name), f"{type(api).__name__.removesuffix('Api')}_{name}"))
    return found


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
        caller = ANONYMOUS
        if wants_auth:
            caller = await edge.authenticator.caller(request)
            if made.scopes:
                caller.require(made.scopes)
        if edge.check_rate is not None:
            edge.check_rate(request, caller)
        accepts = request.headers.get("Accept")
        if accepts is not None and "*/*" not in accepts:
            _check_accept(accepts, made.media_types)
        key = key_of(request) if made.idempotent else ""
        arguments = plan.bind(request)
        if wants_caller:
            arguments["caller"] = caller
        if wants_request:
            arguments["request"] = request
        said: object = None
        if body is not None:
            raw = await read_body(request, made.body_bytes_max)
            if raw or not body.optional:
                check_content_type(request)
                said = parse(raw)
                arguments[body.name] = body.validate(raw)
        if made.idempotent:
            return await _once(request, caller, key, said, arguments)
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
