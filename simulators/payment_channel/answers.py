"""How a request to a simulated channel ends: answered, refused, or spoiled on the way. Before and after it is done."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from simulators.clock import Clock
from simulators.payment_channel.mischief import Dice

BODY_BYTES_MAX: Final = 64 * 1024
"""Of a request: the largest has a few hundred."""
_log = logging.getLogger(__name__)


class Refused(Exception):
    """The channel says no: an HTTP status, a code of its own, and words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


Say = Callable[[Refused], web.Response]


async def answered(
    request: web.Request, dice: Dice, clock: Clock, work: Callable[[], Awaitable[web.Response]], say: Say
) -> web.StreamResponse:
    """What `work` answers, or `say` of a refusal; now and then too busy, broken, or not heard of again."""
    try:
        if dice.throw("busy"):
            raise Refused(429, "FREQUENCY_LIMITED", "too many requests")
        if dice.throw("broken"):
            raise Refused(500, "SYSTEM_ERROR", "nothing was done")
        answer = await work()
    except Refused as refused:
        _log.debug("refused: %s %s", refused.code, refused.message)
        return say(refused)
    if request.method != "POST":
        return answer
    if dice.throw("broken_after"):
        return say(Refused(500, "SYSTEM_ERROR", "it may have been done"))
    if dice.throw("lost_answer"):
        await clock.sleep(dice.mischief.silence_s)
        if request.transport is not None:
            request.transport.abort()
    return answer
