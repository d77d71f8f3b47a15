"""What the HTTP edge refuses because of who asks, from where, or how often; the rest is in `kernel.edge_problems`."""

from typing import Any

from kernel.problems import Problem


class Unauthenticated(Problem):
    """Valid credentials are needed

    Send `Authorization: Bearer <token>` (drivers) or an API key as `Authorization: Bearer bk_...` or `X-API-Key`
    (operators).
    """

    status = 401
    slug = "unauthenticated"

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="berth"', **(headers or {})}, **members)


class MissingScope(Problem):
    """The credentials do not allow this

    `scope` names what the token or key lacks.
    """

    status = 403
    slug = "missing-scope"


class TooManyRequests(Problem):
    """Too many requests

    Wait for the time in the Retry-After header.
    """

    status = 429
    slug = "too-many-requests"


class TooManyStreams(Problem):
    """Too many live streams

    This process serves as many live streams as it may; try again later or read by polling.
    """

    status = 503
    slug = "too-many-streams"


class TooManyStreamsFromAddress(Problem):
    """Too many live streams from this address

    `limit` says how many one address may hold open; close some, share one, or read by polling.
    """

    status = 429
    slug = "too-many-streams-from-address"


class NotFromHere(Problem):
    """Not from this address

    This is told only within the operator's own networks.
    """

    status = 403
    slug = "not-from-here"
