"""OpenAPI 3.1 from what operations note and models say; nothing is written twice.

Served at /openapi.json, printed by `berth openapi`, the source of the web's types. Models become components once,
however often they are used; every problem an operation can answer with is an example under its status.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus

from pydantic_core import to_jsonable_python

from kernel.access_problems import (
    MissingScope,
    TooManyRequests,
    TooManyStreams,
    TooManyStreamsFromAddress,
    Unauthenticated,
)
from kernel.answers import PROBLEM_JSON
from kernel.binding import Parameter
from kernel.edge_problems import (
    BodyTooLarge,
    BodyTooSlow,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InternalError,
    InvalidParameter,
    MalformedBody,
    NotAcceptable,
    StillRunning,
    UnsupportedContentType,
)
from kernel.openapi_parts import COMPONENTS, INTRODUCTION, SIGNED_PARAMETERS
from kernel.openapi_schemas import Key, Schema, schemas_of
from kernel.operations import Mounted
from kernel.problems import Problem


def describe(mounted: Sequence[Mounted], *, version: str) -> Schema:
    """The OpenAPI document of `mounted` operations. Raises TypeError when a model takes the name of a shared part."""
    schemas, definitions = schemas_of(mounted)
    if taken := definitions.keys() & COMPONENTS["schemas"].keys():
        raise TypeError(f"{', '.join(sorted(taken))}: the edge's own component has this name")
    paths: dict[str, Schema] = {}
    for one in mounted:
        paths.setdefault(_path(one), {})[one.operation.method.lower()] = _operation(one, schemas)
    tags = sorted({tag for one in mounted for tag in one.operation.tags})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Berth",
            "version": version,
            "summary": "The backend with which a city runs its parking",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {**COMPONENTS, "schemas": {**COMPONENTS["schemas"], **dict(sorted(definitions.items()))}},
    }


def _path(one: Mounted) -> str:
    """The template without aiohttp's regular expressions."""
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", one.operation.path)


def _operation(one: Mounted, schemas: dict[Key, Schema]) -> Schema:
    made, plan = one.operation, one.plan
    parameters = [_parameter(one, each, schemas) for each in plan.parameters]
    if made.idempotent:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if "signed" in plan.handed_in:
        parameters += [{"$ref": f"#/components/parameters/{name}"} for name in SIGNED_PARAMETERS]
    described: Schema = {
        "operationId": one.id,
        "summary": made.summary,
        "tags": list(made.tags),
        "parameters": parameters,
        "responses": {**_successes(one, schemas), **_refusals(one)},
        "security": _security(one),
    }
    if made.description:
        described["description"] = made.description
    if made.deprecated:
        described["deprecated"] = True
    if plan.body is not None:
        content: Schema = {"schema": schemas[f"{one.id} body", "validation"]}
        if made.examples:
            content["examples"] = {
                name: {"value": to_jsonable_python(value, by_alias=True)} for name, value in made.examples.items()
            }
        described["requestBody"] = {"required": not plan.body.optional, "content": {"application/json": content}}
    elif made.takes:
        described["requestBody"] = {"required": True, "content": dict(made.takes)}
    return described


def _parameter(one: Mounted, parameter: Parameter, schemas: dict[Key, Schema]) -> Schema:
    schema = dict(schemas[f"{one.id} {parameter.where} {parameter.wire}", "validation"])
    described: Schema = {
        "name": parameter.wire,
        "in": parameter.where,
        "required": parameter.required or parameter.where == "path",
    }
    if "description" in schema:
        described["description"] = schema.pop("description")
    if not parameter.required and parameter.default is not None:
        schema["default"] = to_jsonable_python(parameter.default)
    described["schema"] = schema
    return described


def _successes(one: Mounted, schemas: dict[Key, Schema]) -> Schema:
    made = one.operation
    responses: Schema = {}
    for status, kind in made.responses.items():
        headers: Schema = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
        if status == 201:
            headers["Location"] = {"$ref": "#/components/headers/Location"}
        if made.etag:
            headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        if made.idempotent:
            headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/IdempotencyReplayed"}
        response: Schema = {"description": HTTPStatus(status).phrase, "headers": headers}
        if isinstance(kind, str):
            schema = {} if kind.endswith("json") else {"type": "string"}  # GeoJSON is an object, and not our model
            response["content"] = {kind: {"schema": schema}}
        elif kind is not None:
            response["content"] = {"application/json": {"schema": schemas[f"{one.id} {status}", "serialization"]}}
        responses[str(status)] = response
    if made.etag:
        responses["304"] = {"description": "What If-None-Match names is still current"}
    return responses


def _implied(one: Mounted) -> list[type[Problem]]:
    """What the edge itself may refuse, given what the operation asks for."""
    made, plan = one.operation, one.plan
    problems: list[type[Problem]] = [InvalidParameter, NotAcceptable, TooManyRequests, InternalError]
    if plan.body is not None:
        problems += [MalformedBody, UnsupportedContentType, BodyTooLarge]
    elif made.takes:
        problems += [BodyTooLarge, BodyTooSlow]
    if made.scopes:
        problems += [Unauthenticated, MissingScope]
    elif "caller" in plan.handed_in:
        problems += [Unauthenticated]
    if made.idempotent:
        problems += [IdempotencyKeyMissing, IdempotencyKeyReused, StillRunning]
    if made.streams:
        problems += [TooManyStreams, TooManyStreamsFromAddress]
    return problems


def _refusals(one: Mounted) -> Schema:
    """One response a status, with every problem that may be behind it as an example."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in dict.fromkeys([*one.operation.problems, *_implied(one)]):
        by_status.setdefault(problem.status, []).append(problem)
    responses: Schema = {}
    for status, problems in sorted(by_status.items()):
        codes = {"properties": {"code": {"enum": [problem.slug for problem in problems]}}}
        examples = {
            problem.slug: {"summary": problem.title(), "value": {**problem().document(), "request_id": "req_0199f3c2"}}
            for problem in problems
        }
        headers: Schema = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
        if status in (409, 429, 503):
            headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
        if status == 401:
            headers["WWW-Authenticate"] = {"$ref": "#/components/headers/Authenticate"}
        schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, codes]}
        responses[str(status)] = {
            "description": "; ".join(problem.title() for problem in problems),
            "headers": headers,
            "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
        }
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    return responses


def _security(one: Mounted) -> list[dict[str, list[str]]]:
    """Which credentials are taken: a driver's token never carries `operate`, an operator's key never `reserve`."""
    scopes = sorted(one.operation.scopes)
    if "signed" in one.plan.handed_in:
        return [{"signature": scopes}]
    ways: list[dict[str, list[str]]] = []
    if not scopes:
        ways.append({})
        if "caller" not in one.plan.handed_in:
            return ways
    if "operate" not in scopes:
        ways.append({"driverToken": scopes})
    if "reserve" not in scopes:
        ways += [{"operatorKey": scopes}, {"operatorKeyHeader": scopes}]
    return ways
