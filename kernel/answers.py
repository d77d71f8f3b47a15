"""What an operation may answer with, and how it becomes bytes.

An operation returns a model, `Created`, `NoContent`, `Raw` or a finished `web.StreamResponse`; `kernel.http` hands the
value to `respond`. JSON is written by orjson with every time in UTC, `Z` and milliseconds, whatever the model's field
says. Problems are written by `problem_response`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

import orjson
from aiohttp import web
from aiohttp.web_response import ContentCoding
from pydantic import BaseModel

from kernel.moments import wire_time
from kernel.problems import Problem

T = TypeVar("T")

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
COMPRESSED_BYTES_MIN = 4096
"""Below this, what is saved on the line is not worth the work; the city's 608 cards shrink to a tenth."""


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """201: `model` now exists and is read at `location`."""

    location: str
    model: T
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoContent:
    """204: done, nothing to say."""

    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are. With an `etag` (its value, unquoted) a GET that already has them is answered 304."""

    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    etag: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer before it becomes an aiohttp response; what idempotency keeps and gives again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return wire_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dump(value: object) -> bytes:
    """`value` (a model, or plain data holding models) as JSON."""
    plain = value.__pydantic_serializer__.to_python(value, by_alias=True) if isinstance(value, BaseModel) else value
    return orjson.dumps(plain, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS)


def etag_of(body: bytes) -> str:
    """A validator (unquoted) that changes with the bytes."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def answer(result: object, *, status: int, etag: bool = False) -> Answer:
    """The answer for what an operation returned; `status` is what a plain model is answered with."""
    match result:
        case Created(location=location, model=model, headers=headers):
            return Answer(201, {"Content-Type": JSON, "Location": location, **headers}, dump(model))
        case NoContent(headers=headers):
            return Answer(204, dict(headers), b"")
        case Raw() as raw:
            content_type = raw.content_type if raw.charset is None else f"{raw.content_type}; charset={raw.charset}"
            validator = {} if raw.etag is None else {"ETag": f'"{raw.etag}"'}
            return Answer(raw.status, {"Content-Type": content_type, **validator, **raw.headers}, raw.body)
        case _:
            body = dump(result)
            validator = {"ETag": f'"{etag_of(body)}"'} if etag else {}
            return Answer(status, {"Content-Type": JSON, **validator}, body)


def not_modified(request: web.Request, etag: str) -> bool:
    """Whether If-None-Match of `request` already names `etag` (quoted); weak comparison, RFC 9110 13.1.2."""
    wanted = request.headers.get("If-None-Match")
    if wanted is None:
        return False
    if wanted.strip() == "*":
        return True
    bare = etag.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == bare for candidate in wanted.split(","))


def respond(request: web.Request, given: Answer) -> web.Response:
    """The aiohttp response for `given`, 304 where the caller has it already."""
    etag = given.headers.get("ETag")
    if etag is not None and given.status == 200 and request.method in ("GET", "HEAD") and not_modified(request, etag):
        kept = {name: value for name, value in given.headers.items() if name != "Content-Type"}
        return web.Response(status=304, headers=kept)
    response = web.Response(status=given.status, headers=given.headers, body=given.body)
    if request.method == "GET" and len(given.body) >= COMPRESSED_BYTES_MIN:
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            if etag is not None:
                response.headers["ETag"] = "W/" + etag.removeprefix("W/")  # the bytes differ, what they say does not
            response.enable_compression(ContentCoding.gzip)
    return response


def problem_response(problem: Problem, request_id: str | None = None) -> web.Response:
    """`problem` as RFC 9457 says, with the id under which the logs know the request."""
    document = problem.document()
    if request_id is not None:
        document["request_id"] = request_id
    headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", **problem.headers}
    return web.Response(status=problem.status, headers=headers, body=dump(document))
