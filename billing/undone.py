"""What the database undid in favour of another transaction is done again at once: nothing of it has happened."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from kernel.db_errors import is_victim

ATTEMPTS_MAX: Final = 3

T = TypeVar("T")


async def again_if_undone(work: Callable[[], Awaitable[T]]) -> T:
    """`work` opens its own transaction, and does nothing else. Raises what its last attempt raises."""
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await work()
        except Exception as error:
            if not is_victim(error):
                raise
    return await work()
