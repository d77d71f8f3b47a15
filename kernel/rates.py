"""How many requests one caller, or one address without credentials, may send (OWASP API4).

The notation is that of `limits` ("6000/minute"); the count is the generic cell rate algorithm: one number a key, a
burst up to the whole amount, then an even pace. `limits`' own memory store walks over all keys on every hit and reads
the system clock, which is handed in here.
"""

import math
from dataclasses import dataclass

from aiohttp import web
from limits import parse

from kernel.access_problems import TooManyRequests
from kernel.addresses import Proxies
from kernel.callers import Caller
from kernel.clock import Clock

KEYS_MAX = 100_000
"""About 20 MB; when full, whoever has been quiet is forgotten, which forgives and never punishes."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` requests in `period_s` seconds."""

    amount: int
    period_s: float

    @classmethod
    def of(cls, text: str) -> "Rate":
        """The rate written as `6000/minute`. Raises ValueError."""
        item = parse(text)
        return cls(item.amount, float(item.get_expiry()))


class Limiter:
    """Counts requests by key. One per process: three API processes together allow three times the rate."""

    def __init__(self, clock: Clock, rate: Rate) -> None:
        self._clock = clock
        self._interval_s = rate.period_s / rate.amount
        self._burst_s = rate.period_s - self._interval_s
        self._due: dict[str, float] = {}

    def take(self, key: str) -> None:
        """Count one request of `key`. Raises TooManyRequests with the time to wait."""
        now = self._clock.monotonic()
        due = max(self._due.get(key, now), now)
        wait = due - now - self._burst_s
        if wait > 1e-9:
            wait_s = math.ceil(wait)
            raise TooManyRequests(f"wait {wait_s} s", headers={"Retry-After": str(wait_s)}, retry_after_s=wait_s)
        if len(self._due) >= KEYS_MAX and key not in self._due:
            self._due = {other: at for other, at in self._due.items() if at > now}
            if len(self._due) >= KEYS_MAX:
                self._due.clear()
        self._due[key] = due + self._interval_s


class RateLimits:
    """The limits of the edge: per caller, and per address for those without credentials; the machine itself is free."""

    def __init__(self, clock: Clock, *, caller: Rate, anonymous: Rate, proxies: Proxies) -> None:
        self._caller = Limiter(clock, caller)
        self._anonymous = Limiter(clock, anonymous)
        self._proxies = proxies

    def __call__(self, request: web.Request, caller: Caller) -> None:
        """Count `request`. Raises TooManyRequests."""
        address = self._proxies.counted(request)
        if address is None:
            return
        if caller.kind == "anonymous":
            self._anonymous.take(address)
        else:
            self._caller.take(caller.principal)
