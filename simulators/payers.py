"""Whoever stands before a shut barrier: they scan the code on its display and pay, later or never, without an account.

They speak only HTTP, as a phone does: the page behind the code, a channel's button, the channel's own page.
"""

import asyncio
import logging
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import aiohttp

from contracts.wire import OrderMessage
from simulators.clock import Clock

_PATIENCE: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
_CODE: Final = re.compile(r"(/pay/chg_[0-9a-f]{32})\b")
_LINK: Final = re.compile(r'href="([^"]+/v1/sandbox/orders/[0-9A-Za-z]+)"')
_TRIES: Final = 5
_AGAIN_S: Final = 2.0
_WAITING_MAX: Final = 5_000
"""Who would come after these drives home without paying."""
_AT_ONCE_MAX: Final = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PayingHabits:
    """Of a hundred, so many pay `late_s` after they left, or `never`; the others within `soon_s`. Seconds of ours."""

    late: int = 10
    never: int = 4
    soon_s: tuple[float, float] = (3.0, 25.0)
    late_s: tuple[float, float] = (60.0, 900.0)

    def __post_init__(self) -> None:
        if self.late + self.never > 100:
            raise ValueError("more than all pay late or never")


class Payers:
    """All of them. `told` counts what became of what displays asked for. An async context manager."""

    def __init__(self, base_url: str, clock: Clock, *, seed: int = 0, habits: PayingHabits | None = None) -> None:
        self._base = base_url.rstrip("/")
        self._clock = clock
        self._dice = random.Random(f"{seed} payers")  # noqa: S311 - a seeded play
        self._habits = habits or PayingHabits()
        self._asked: asyncio.Queue[str] = asyncio.Queue(_WAITING_MAX)
        self._few = asyncio.Semaphore(_AT_ONCE_MAX)
        self.told: Counter[str] = Counter()

    def see(self, order: OrderMessage) -> None:
        """What a display shows is seen by whoever stands before it."""
        code = _CODE.search(order.text or "") if order.kind == "show_text" else None
        if code is None:
            return
        try:
            self._asked.put_nowait(code[1])
        except asyncio.QueueFull:
            self.told["never"] += 1

    async def run(self) -> None:
        """Pay, until cancelled."""
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, connector=aiohttp.TCPConnector(limit=_AT_ONCE_MAX)) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                code = await self._asked.get()
                drawn = self._dice.randrange(100)
                if drawn < self._habits.never:
                    self.told["never"] += 1
                    continue
                is_late = drawn < self._habits.never + self._habits.late
                after_s = self._dice.uniform(*(self._habits.late_s if is_late else self._habits.soon_s))
                group.create_task(self._pay_after(session, code, after_s))

    async def _pay_after(self, session: aiohttp.ClientSession, code: str, after_s: float) -> None:
        await self._clock.sleep(after_s)
        async with self._few:
            try:
                self.told["paid" if await self.pay(session, code) else "refused"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                _log.debug("not paid: %s", error)
                self.told["unreachable"] += 1

    async def pay(self, session: aiohttp.ClientSession, code: str) -> bool:
        """Scan, choose the sandbox, press its button. False when it is not to be paid any more."""
        page = f"{self._base}{code}/sandbox"
        async with session.post(page) as answer:
            text = await answer.text()
            if answer.status != 200:
                return False
        for _ in range(_TRIES):
            link = _LINK.search(text)
            if link is not None:
                # The page may be told for another network than ours: only its path matters to us.
                address = urljoin(self._base, re.sub(r"^https?://[^/]+", "", link[1]))
                async with session.post(address) as answer:
                    if answer.status == 200:
                        return True
            await self._clock.sleep(_AGAIN_S)
            async with session.get(page) as answer:
                text = await answer.text()
        return False
