"""When something begins again during a stay: the steps of a plan, its free time. Pure; seconds."""

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec import Struct

from billing.tariffs.timeline import FOREVER


class Periods(NamedTuple):
    """Where periods begin: the first one after the beginning, and the one that follows any."""

    first: int = FOREVER
    following: Callable[[int], int] = lambda _: FOREVER


NEVER: Final = Periods()


class Freedom(Struct, frozen=True):
    """The free time of a stay in seconds: at its beginning, in each later period, and given besides (`extra`)."""

    now: int = 0
    later: int = 0
    periods: Periods = NEVER
    floor: bool = False
    counted: bool = False
    inclusive: bool = True
    extra: int = 0


NO_FREEDOM: Final = Freedom()
