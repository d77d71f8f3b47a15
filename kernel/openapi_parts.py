"""The parts of the API description that every operation shares: schemes, headers, the problem document."""

from typing import Any

from kernel.idempotency import KEY_CHARACTERS_MAX
from kernel.idempotency import KEY_HEADER as IDEMPOTENCY_HEADER
from kernel.signatures import (
    KEY_HEADER,
    KEY_ID_FORM,
    NONCE_FORM,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    SKEW_MAX,
    TIMESTAMP_HEADER,
)

SIGNED_PARAMETERS = ("SigningKey", "SigningTime", "SigningNonce")
SIGNING = """HMAC-SHA256 in hex, for machines that push: the key is the SHA-256 (32 bytes) of the API key's secret,
which is what follows the third underscore of `bk_live_<id>_<secret>`; signed are these five lines, joined by `\\n`: the
method, path and query as sent, `X-Timestamp`, `X-Nonce`, and the SHA-256 of the body in lower-case hex."""

INTRODUCTION = """Live parking for a city: car parks, spaces and what is free.

Times are RFC 3339 with an offset in, UTC with `Z` and milliseconds out; intervals are `[from, until)`. Money is a whole
number of minor units. Positions are WGS-84 unless a `datum` says otherwise. `unknown` and `stale` are never shown as 0
and never as free.

Errors are RFC 9457 problem documents: `code` is stable and meant for programs, `detail` says what to do. 422 is only
for a malformed body (and for a reused Idempotency-Key); parameters that are not valid are 400 and are named in
`errors`. Unknown query parameters are refused. In a body the last of repeated members counts.

Every answer has an `X-Request-Id`, yours (letters, digits, `._:-`, up to 128) or one that we make; quote it when you
ask us about a request.

A POST that promises or charges needs an `Idempotency-Key`: the same key with the same request gives the first answer
again for 72 hours; a refusal is not kept, because nothing happened. Lists come in pages: pass `next` as `cursor`.
"""


def _string(description: str, **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **more}}


def _signing(name: str, description: str, **schema: Any) -> dict[str, Any]:
    described = _string(description, **schema)
    return {"name": name, "in": "header", "required": True, **described}


COMPONENTS: dict[str, Any] = {
    "securitySchemes": {
        "driverToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A driver's token; scopes `read` and `reserve`.",
        },
        "operatorKey": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "bk_live_<id>_<secret>",
            "description": "An operator's API key as a bearer token; scopes `read` and `operate`.",
        },
        "operatorKeyHeader": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "An operator's API key in a header of its own.",
        },
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": SIGNATURE_HEADER,
            "description": SIGNING,
        },
    },
    "parameters": {
        "IdempotencyKey": {
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "required": True,
            "description": "A fresh value for every new wish, the same one when you try again; a UUID is fine.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": KEY_CHARACTERS_MAX,
                "pattern": r"^[!-~]([ -~]*[!-~])?$",
            },
            "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        },
        "SigningKey": _signing(
            KEY_HEADER, "The id of the API key: its 16 digits, without the secret.", pattern=f"^{KEY_ID_FORM}$"
        ),
        "SigningTime": _signing(
            TIMESTAMP_HEADER,
            f"Seconds since 1970, or RFC 3339 with an offset; at most {SKEW_MAX.seconds} s from our clock.",
        ),
        "SigningNonce": _signing(NONCE_HEADER, "Never the same twice.", pattern=f"^{NONCE_FORM}$"),
    },
    "headers": {
        "RequestId": _string("The id under which this request is logged."),
        "ETag": _string("Changes with the content; sent as If-None-Match, an unchanged answer is 304."),
        "Location": _string("Where the new thing is read."),
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
        "Authenticate": _string("How to authenticate."),
        "IdempotencyReplayed": _string("`true` when this is an answer given before.", enum=["true"]),
    },
    "responses": {
        "Problem": {
            "description": "Any other problem",
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    },
    "schemas": {
        "Problem": {
            "type": "object",
            "description": "RFC 9457: what went wrong, for programs (`code`) and for people (`detail`).",
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/invalid-parameter"]},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "request_id": {"type": "string"},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
            },
        },
        "Fault": {
            "type": "object",
            "description": "One thing that is wrong with the request.",
            "required": ["in", "field", "message"],
            "properties": {
                "in": {"enum": ["body", "query", "path", "header"]},
                "field": {"type": "string", "description": "The field's path with dots; empty for the whole body."},
                "message": {"type": "string"},
                "got": {"description": "What was sent, shortened, when it is a scalar."},
            },
        },
    },
}
