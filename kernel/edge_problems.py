"""What the HTTP edge itself refuses, before or around the work of a service.

One class a state, as everywhere (`kernel.problems`). `kernel.http`, `kernel.auth` and `kernel.idempotency` raise them,
`kernel.webserver` renders them; services raise `InvalidParameter` themselves when two parameters contradict each other.
"""

from collections.abc import Sequence

from kernel.access_problems import (
    MissingScope,
    NotFromHere,
    TooManyRequests,
    TooManyStreams,
    TooManyStreamsFromAddress,
    Unauthenticated,
)
from kernel.faults import Fault, Where, fault, sentence
from kernel.problems import Problem


class InvalidParameter(Problem):
    """A parameter is not valid

    A path, query or header parameter does not have the form or range that the operation asks for; `errors` says
    which, and what to do.
    """

    status = 400
    slug = "invalid-parameter"

    @classmethod
    def of(cls, where: Where, field: str, message: str, got: object = None) -> "InvalidParameter":
        """The problem of one parameter."""
        return cls.all([fault(where, field, message, got)])

    @classmethod
    def all(cls, faults: Sequence[Fault]) -> "InvalidParameter":
        """The problem of several parameters at once."""
        return cls(sentence(faults), errors=list(faults))


class MalformedBody(Problem):
    """The body is malformed

    The body is not the JSON object that the operation asks for; `errors` names each field and what to do.
    """

    status = 422
    slug = "malformed-body"

    @classmethod
    def of(cls, field: str, message: str, got: object = None) -> "MalformedBody":
        """The problem of one field; the empty field is the body as a whole."""
        return cls.all([fault("body", field, message, got)])

    @classmethod
    def all(cls, faults: Sequence[Fault]) -> "MalformedBody":
        """The problem of several fields at once."""
        return cls(sentence(faults), errors=list(faults))


class UnsupportedContentType(Problem):
    """The body's content type is not supported

    Send `Content-Type: application/json` in UTF-8.
    """

    status = 415
    slug = "unsupported-content-type"


class BodyTooLarge(Problem):
    """The body is too large

    `limit_bytes` says how much the operation reads; split the request.
    """

    status = 413
    slug = "body-too-large"


class BodyTooSlow(Problem):
    """The body did not arrive in time

    A request's body has to arrive within half a minute.
    """

    status = 408
    slug = "body-too-slow"


class NotAcceptable(Problem):
    """No acceptable representation

    The Accept header excludes everything that this operation can answer with; `available` lists it.
    """

    status = 406
    slug = "not-acceptable"


class NotFound(Problem):
    """There is nothing at this address

    `/openapi.json` lists every address of the API.
    """

    status = 404
    slug = "not-found"


class MethodNotAllowed(Problem):
    """The method is not allowed here

    The Allow header lists the methods of this address.
    """

    status = 405
    slug = "method-not-allowed"


class BadRequest(Problem):
    """The request is not valid HTTP

    The request could not be understood as HTTP.
    """

    status = 400
    slug = "bad-request"


class IdempotencyKeyMissing(Problem):
    """An Idempotency-Key is required

    This operation promises or charges: send a fresh `Idempotency-Key` header and repeat the same one on a retry.
    """

    status = 400
    slug = "idempotency-key-missing"


class IdempotencyKeyReused(Problem):
    """The Idempotency-Key was used for another request

    The key stands for an earlier request with another body or address; use a fresh key.
    """

    status = 422
    slug = "idempotency-key-reused"


class StillRunning(Problem):
    """The first request with this Idempotency-Key is still running

    Try again in a second with the same key: the answer of the first request will then be given.
    """

    status = 409
    slug = "still-running"


class TryAgain(Problem):
    """Undone in favour of another request

    Nothing of it happened: send the same again after the time in the Retry-After header.
    """

    status = 503
    slug = "try-again"


class InternalError(Problem):
    """Something went wrong

    The fault is ours and has been logged; quote `request_id` when you report it.
    """

    status = 500
    slug = "internal-error"


EDGE_PROBLEMS: tuple[type[Problem], ...] = (
    InvalidParameter,
    MalformedBody,
    UnsupportedContentType,
    BodyTooLarge,
    BodyTooSlow,
    NotAcceptable,
    NotFound,
    MethodNotAllowed,
    BadRequest,
    Unauthenticated,
    MissingScope,
    TooManyRequests,
    TooManyStreams,
    TooManyStreamsFromAddress,
    NotFromHere,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    StillRunning,
    TryAgain,
    InternalError,
)
