"""The JSON body of a request: read within limits, parsed strictly, validated into the operation's model.

Strict means: UTF-8, one JSON object, no NaN or Infinity, no NUL and no lone surrogate in a string (PostgreSQL text
holds neither), integers within what a double holds exactly (RFC 7493), no numbers in strings. Of a repeated member
the last one counts, for the model and for the idempotency hash alike: both parsers here agree on that.
"""

import asyncio
import hashlib
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Union, get_args, get_origin

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from kernel.edge_problems import BodyTooLarge, BodyTooSlow, MalformedBody, UnsupportedContentType
from kernel.faults import GOT_CHARACTERS_MAX, Fault, Where, fault
from kernel.known_fields import advice_on
from kernel.moments import NO_OFFSET

BODY_BYTES_MAX = 1024 * 1024
"""Default of an operation: a car park of 5,000 spaces in one PUT is about half of it."""
BODY_READ_S_MAX = 30.0
"""A body that trickles in longer than this holds a connection for nothing."""
FAULTS_MAX = 20
"""Nobody repairs more than this from one answer."""
INTEGER_MAX = 2**53 - 1
"""RFC 7493: what every JSON reader holds exactly."""

_LONG_DIGITS = re.compile(rb"\d{16}")

_SENTENCES = {
    "missing": "is required",
    "timezone_aware": NO_OFFSET,
    "timezone_naive": "a time without offset is wanted here",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
}


def _sentence(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def faults_of(invalid: ValidationError, where: Where, prefix: str = "", *, of: Any = None) -> list[Fault]:
    """The errors of pydantic as faults: path of the field with dots, a plain sentence, what was sent.

    `of` is the type that refused, for advice on unknown fields.
    """
    faults: list[Fault] = []
    for error in invalid.errors(include_url=False, include_context=False)[:FAULTS_MAX]:
        path = ".".join(map(_shown, error["loc"]))
        got = None if error["type"] == "missing" or where == "header" else error["input"]
        message = advice_on(of, error["loc"]) if error["type"] == "extra_forbidden" else _sentence(error)
        faults.append(fault(where, ".".join(filter(None, (prefix, path))), message, got))
    return faults


def _shown(part: int | str) -> str:
    """One part of a path as it is told: a name is the caller's own, and may be anything."""
    name = str(part)
    return (name if len(name) <= GOT_CHARACTERS_MAX else name[:GOT_CHARACTERS_MAX] + "…") or '""'


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    """The body's bytes. Raises BodyTooLarge as soon as it is known to be, BodyTooSlow."""
    if request.content_length is not None and request.content_length > bytes_max:
        raise BodyTooLarge(f"at most {bytes_max} bytes are read here", limit_bytes=bytes_max)
    if not request.can_read_body:
        return b""
    chunks = bytearray()
    try:
        async with asyncio.timeout(BODY_READ_S_MAX):
            async for chunk in request.content.iter_any():
                chunks += chunk
                if len(chunks) > bytes_max:
                    raise BodyTooLarge(f"at most {bytes_max} bytes are read here", limit_bytes=bytes_max)
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {BODY_READ_S_MAX:.0f} s") from None
    return bytes(chunks)


def check_content_type(request: web.Request) -> None:
    """Raises UnsupportedContentType unless the body is said to be JSON in UTF-8 (or nothing is said)."""
    said = request.headers.get("Content-Type")
    if said is None:
        return
    kind = request.content_type
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedContentType(
            f"{kind[:80]} is not read here: send application/json", headers={"Accept-Post": "application/json"}
        )
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedContentType("JSON is read in UTF-8 only")


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises MalformedBody with the place where it stops being one."""
    if not raw:
        raise MalformedBody.of("", "a JSON object is required, the body is empty")
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedBody.of("", f"not valid JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise MalformedBody.of("", "a JSON object is required")
    if b"\\u0000" in raw or _LONG_DIGITS.search(raw):
        impossible = list(islice(_impossible(parsed, ""), FAULTS_MAX))
        if impossible:
            raise MalformedBody.all(impossible)
    return parsed


def _impossible(value: object, path: str) -> Iterator[Fault]:
    """What no field could take, wherever it stands."""
    match value:
        case str() if "\0" in value:
            yield fault("body", path, "a text may not contain the character U+0000")
        case int() if abs(value) > INTEGER_MAX:
            yield fault("body", path, f"a whole number must be within ±{INTEGER_MAX}", value)
        case dict():
            for name, inner in value.items():
                yield from _impossible(name, path)
                yield from _impossible(inner, f"{path}.{_shown(name)}" if path else _shown(name))
        case list():
            for position, inner in enumerate(value):
                yield from _impossible(inner, f"{path}.{position}" if path else str(position))
        case _:
            pass


def canonical_sha256(parsed: object) -> bytes:
    """The hash of a JSON value that ignores white space and the order of members."""
    return hashlib.sha256(orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Body:
    """The parameter that takes the body: its type with its validator, and whether there may be none."""

    name: str
    annotation: Any
    adapter: TypeAdapter[Any]
    optional: bool

    @classmethod
    def of(cls, name: str, annotation: Any, *, optional: bool) -> "Body":
        """The body that parameter `name` of type `annotation` takes."""
        return cls(name, annotation, TypeAdapter(annotation), optional)

    def validate(self, raw: bytes, parsed: dict[str, Any]) -> Any:
        """The model in `raw`, which `parse` read as `parsed`. Raises MalformedBody naming every field at fault."""
        try:
            return self._strictly(raw)
        except ValidationError as invalid:
            if not any(error["type"] == "int_type" and isinstance(error["input"], float) for error in invalid.errors()):
                raise MalformedBody.all(faults_of(invalid, "body", of=self.annotation)) from None
        # 12.0 is a whole number to JSON Schema, and to some writers of JSON the only way to write 12.
        try:
            return self._strictly(orjson.dumps(_whole_numbers(parsed)))
        except ValidationError as invalid:
            raise MalformedBody.all(faults_of(invalid, "body", of=self.annotation)) from None

    def _strictly(self, raw: bytes) -> Any:
        return self.adapter.validate_json(raw, strict=True)


def _whole_numbers(value: Any) -> Any:
    """The same value with every whole float as an integer; a field that takes floats takes those as well."""
    match value:
        case float() if value.is_integer() and abs(value) <= INTEGER_MAX:
            return int(value)
        case dict():
            return {name: _whole_numbers(inner) for name, inner in value.items()}
        case list():
            return [_whole_numbers(inner) for inner in value]
        case _:
            return value


def is_body_type(annotation: Any) -> bool:
    """Whether a parameter of this type is the JSON body: a model, or a choice of models, perhaps optional."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_body_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        choices = [choice for choice in get_args(annotation) if choice is not type(None)]
        return bool(choices) and all(is_body_type(choice) for choice in choices)
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def check_times(adapter: TypeAdapter[Any], where: str) -> None:
    """Raises TypeError when a model takes a time that may lack its offset: such an API cannot be built."""
    seen: set[int] = set()

    def walk(schema: object) -> None:
        if id(schema) in seen:
            return
        seen.add(id(schema))
        if isinstance(schema, Mapping):
            if schema.get("type") == "datetime" and schema.get("tz_constraint") != "aware":
                raise TypeError(f"{where}: use kernel.moments.Moment instead of {datetime.__name__}")
            for inner in schema.values():
                walk(inner)
        elif isinstance(schema, list | tuple):
            for inner in schema:
                walk(inner)

    walk(adapter.core_schema)
