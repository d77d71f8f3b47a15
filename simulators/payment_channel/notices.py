"""Notices: what a channel tells its merchant by itself, told again until it is taken, or spoiled by mischief."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import aiohttp
from msgspec import Struct

from simulators.clock import Clock
from simulators.payment_channel.agenda import Agenda
from simulators.payment_channel.mischief import Dice, Fault
from simulators.payment_channel.truth import Entry, Order, PlateState, Refund

PATIENCE: Final = aiohttp.ClientTimeout(total=5)
"""A merchant answers within five seconds or has not heard."""
_OUT_OF_ORDER: Final = timedelta(seconds=60)
"""The longest that a notice waits for another one to overtake it."""
SPOILS: Final[tuple[Fault, ...]] = ("wrong_amount", "wrong_plate", "stale_time", "bad_signature", "sign_test")


class Kind(StrEnum):
    """What a notice is about."""

    PAID = "paid"
    FAILED = "failed"
    REPAID = "repaid"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    PLATE = "plate"


class Notice(Struct, frozen=True, kw_only=True):
    """`about` as it was when it happened. `plate_state` of a notice about a plate."""

    id: str
    kind: Kind
    at: datetime
    about: Order | Refund | Entry
    url: str
    order: Order | None = None
    """Of a refund's notice: whose money it was."""
    plate_state: PlateState | None = None


class Letter(Struct, frozen=True):
    """A notice as it goes over the wire."""

    headers: Mapping[str, str]
    body: bytes


class Voice(Protocol):
    """How a channel words, signs and repeats its notices."""

    tells: frozenset[Kind]

    @property
    def retries_s(self) -> Sequence[float]:
        """Pauses between one telling and the next."""
        ...

    def letter(self, notice: Notice, now: datetime, spoil: Fault | None) -> Letter: ...
    def is_taken(self, status: int, body: bytes) -> bool: ...


class Told(Struct, frozen=True):
    """One attempt: what was told when, spoiled how, and what the merchant answered (0: nothing)."""

    notice: str
    kind: Kind
    number: str
    at: datetime
    spoil: Fault | None
    status: int
    is_taken: bool


class Teller:
    """Tells one channel's notices. `told` is the book of it."""

    def __init__(self, voice: Voice, agenda: Agenda, dice: Dice, clock: Clock, session: aiohttp.ClientSession) -> None:
        self._voice, self._agenda, self.dice, self._clock, self._session = voice, agenda, dice, clock, session
        self._numbers = itertools.count(1)
        self._overtaken: list[Notice] = []
        self.told: list[Told] = []
        self.never: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        """Soon, later, twice, spoiled or never, as the dice fall."""
        if notice.kind not in self._voice.tells or not notice.url:
            return
        if self.dice.throw("never"):
            self.never.append(notice)
            return
        now = self._clock.now()
        if self.dice.throw("out_of_order"):
            self._overtaken.append(notice)
            self._agenda.add(now + _OUT_OF_ORDER, self._let_go)
            return
        due = now
        if self.dice.throw("late"):
            due += timedelta(seconds=self.dice.between("late_s", self.dice.mischief.late_s))
        spoil = next((fault for fault in SPOILS if self.dice.throw(fault)), None)
        self._agenda.add(due, lambda: self._attempt(notice, 0, spoil))
        if self.dice.throw("twice"):
            self._agenda.add(due, lambda: self._attempt(notice, len(self._voice.retries_s), None))
        if self._overtaken:
            self._agenda.add(due, self._let_go)

    def new_id(self, now: datetime) -> str:
        """An id of a notice, at most 36 characters."""
        return f"EV-{now:%Y%m%d%H%M%S}{next(self._numbers):09}"

    async def _let_go(self) -> None:
        overtaken, self._overtaken = self._overtaken, []
        for notice in overtaken:
            await self._attempt(notice, 0, None)

    async def _attempt(self, notice: Notice, attempt: int, spoil: Fault | None) -> None:
        now = self._clock.now()
        letter = self._voice.letter(notice, now, spoil)
        status, is_taken = 0, False
        try:
            async with self._session.post(
                notice.url, data=letter.body, headers=dict(letter.headers), timeout=PATIENCE, allow_redirects=False
            ) as answer:
                status, is_taken = answer.status, self._voice.is_taken(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            pass
        self.told.append(Told(notice.id, notice.kind, notice.about.number, now, spoil, status, is_taken))
        if not is_taken and attempt < len(self._voice.retries_s):
            due = now + timedelta(seconds=self._voice.retries_s[attempt])
            self._agenda.add(due, lambda: self._attempt(notice, attempt + 1, None))
