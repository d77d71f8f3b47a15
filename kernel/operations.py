"""What an operation is: the notes that `@operation` leaves on a method, and how they are read.

The decorator registers nothing: `operations_of` reads the notes of an API object when `app` mounts it (`kernel.http`
dispatches) or describes it (`kernel.openapi`).
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from kernel.answers import JSON
from kernel.binding import Plan, plan_of
from kernel.json_body import BODY_BYTES_MAX
from kernel.problems import Problem

Method = TypeVar("Method", bound=Callable[..., Awaitable[Any]])

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
    takes: Mapping[str, Any] = field(default_factory=dict)
    for_devices: bool = False

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
    takes: Mapping[str, Any] | None = None,
    for_devices: bool = False,
) -> Callable[[Method], Method]:
    """Note on a method of an API class which operation it serves.

    Exactly one of the verbs names the path. No `scopes`: open to everyone, and a `caller` may be anonymous. `etag`
    gives a JSON answer a validator made from its bytes. `examples` are bodies by name, for the API description;
    `takes` describes a body that the operation reads itself (OpenAPI's `content`, by media type). A method that wants
    `signed` is called only for a request whose signature fits (`kernel.signatures`). `for_devices`: whoever calls does
    not read the answer and means nothing by the Accept header and the unknown query parameters that it sends.
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
            takes=dict(takes or {}),
            for_devices=for_devices,
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
        if "signed" in plan.handed_in and not made.scopes:
            raise TypeError(f"{function.__qualname__}: a signed operation needs scopes: whoever signs has a key")
        found.append(Mounted(made, plan, getattr(api, name), f"{type(api).__name__.removesuffix('Api')}_{name}"))
    return found
