"""Waiting for a database that is still starting or recovering, within reason."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.exit_codes import CommandFailed, Exit
from kernel.clock import Clock
from kernel.db_errors import will_pass

AWAY_S_MAX = 60.0  # the recovery of a busy database after a crash
ASK_EVERY_S = 0.25

Result = TypeVar("Result")


async def database_awaited(
    ask: Callable[[], Awaitable[Result]], clock: Clock, *, away_s_max: float = AWAY_S_MAX
) -> Result:
    """The result of `ask`, asked again while the database is away. Raises CommandFailed after `away_s_max`."""
    deadline = clock.monotonic() + away_s_max
    while True:
        try:
            return await ask()
        except Exception as error:
            if not will_pass(error):
                raise
            if clock.monotonic() > deadline:
                raise CommandFailed(Exit.UNREACHABLE, f"the database is not reachable: {error}") from error
        await clock.sleep(ASK_EVERY_S)
