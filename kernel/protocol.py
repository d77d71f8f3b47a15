"""What is not even HTTP: refused as a problem like everything else, and logged without a word of what was sent.

aiohttp answers such bytes before any middleware sees them, in plain text, and logs a traceback that quotes them: a
header that it could not read may well be the one with the token. Here its protocol class is replaced by ours.
"""

import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.web_protocol import RequestHandler

from kernel.answers import problem_response
from kernel.edge_problems import BadRequest, InternalError
from kernel.problems import Problem

log = structlog.get_logger(__name__)


class EdgeProtocol(RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what could not be read, or to a defect outside the middleware; ends the connection."""
        if status < 500:
            log.info("not http", error=type(exc).__name__)
            problem: Problem = BadRequest()
        elif isinstance(exc, ConnectionError | ClientPayloadError):
            log.info("line cut", error=type(exc).__name__)
            problem = BadRequest()
        else:
            log.error("connection failed", exc_info=exc)
            problem = InternalError()
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: there is no way to say more")
        response = problem_response(problem)
        response.headers["Server"] = "berth"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.force_close()
        return response


class EdgeServer(web.Server):
    """Makes an `EdgeProtocol` for every connection."""

    def __call__(self) -> RequestHandler:
        return EdgeProtocol(self, loop=self._loop, **self._kwargs)


class EdgeRunner(web.AppRunner):
    """Runs an application on `EdgeServer`: aiohttp has no public place to say which protocol class it uses."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return EdgeServer(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
