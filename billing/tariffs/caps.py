"""Caps: how much of what falls due is left in each period. Pure; times in seconds, amounts in minor units.

Caps are a chain in the order of the tariff: what the first lets through is what the second sees. An amount belongs to
the period in which its unit starts.
"""

from collections.abc import Hashable, Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from billing.tariffs.timeline import FOREVER, Days
from billing.tariffs.units import Run

Per = Literal["window", "day", "week", "hours", "stay"]
WEEK_DAYS = 7


class CapRule(NamedTuple):
    """A cap in seconds. `windows` None: of all windows."""

    per: Per
    amounts: tuple[int, ...]
    repeats: bool
    windows: frozenset[int] | None
    seconds: int
    across_visits: bool


class Period(Struct, frozen=True, gc=False):
    """A period of a cap: which one, from when until when, and how many of them came before."""

    key: Hashable
    begins: int
    ends: int
    number: int


class Anchors(Struct, frozen=True):
    """From where a cap's periods are counted, and what earlier visits paid in the first of them."""

    begins: int
    day: int
    paid: Mapping[Hashable, int]


class CapState:
    """One cap during one stay."""

    __slots__ = ("_anchors", "_days", "_period", "_seen", "cuts", "rule", "used")

    def __init__(self, rule: CapRule, days: Days, anchors: Anchors) -> None:
        self.rule = rule
        self._days = days
        self._anchors = anchors
        self._period: Period | None = None
        self._seen: dict[Hashable, int] = {}
        self.used: dict[Hashable, int] = dict(anchors.paid)
        self.cuts: dict[Period, int] = {}

    def period(self, at: int, run: Run) -> Period:
        """The period in which a unit of `run` that starts at `at` lies."""
        known = self._period
        if self.rule.per == "window":
            piece = run.piece
            key = (piece.window, piece.opened)
            index = self._seen.setdefault(key, len(self._seen))
            return Period(key, piece.opened, piece.closes, index)
        if known is not None and known.begins <= at < known.ends:
            return known
        self._period = known = self._find(at)
        return known

    def left(self, period: Period) -> int:
        """How much more may be charged in the period."""
        amounts, index = self.rule.amounts, period.number
        if index < len(amounts):
            return max(0, amounts[index] - self.used.get(period.key, 0))
        if not self.rule.repeats:
            return FOREVER
        return max(0, amounts[-1] - self.used.get(period.key, 0))

    @property
    def is_used_up(self) -> bool:
        """Whether it lets nothing through any more, whatever the window and the time."""
        if self.rule.per != "stay" or self.rule.windows is not None:
            return False
        return self.left(self._find(self._anchors.begins)) == 0

    def take(self, period: Period, amount: int) -> int:
        """Charge what is left of `amount` in the period; returns it, and remembers what was cut."""
        used = self.used.get(period.key, 0)
        amounts = self.rule.amounts
        if period.number < len(amounts):
            most = amounts[period.number]
        elif self.rule.repeats:
            most = amounts[-1]
        else:
            most = FOREVER
        allowed = amount if used + amount <= most else max(0, most - used)
        self.used[period.key] = used + allowed
        if allowed < amount:
            self.cuts[period] = self.cuts.get(period, 0) + amount - allowed
        return allowed

    def _find(self, at: int) -> Period:
        anchors, rule = self._anchors, self.rule
        if rule.per == "hours":
            index = (at - anchors.begins) // rule.seconds
            begins = anchors.begins + index * rule.seconds
            return Period(index, begins, begins + rule.seconds, index)
        if rule.per == "stay":
            return Period(0, anchors.begins, FOREVER, 0)
        number = self._days.number(at)
        if rule.per == "day":
            return Period(number, self._days.begins(number), self._days.begins(number + 1), number - anchors.day)
        monday = number - (number - 1) % WEEK_DAYS
        first = anchors.day - (anchors.day - 1) % WEEK_DAYS
        begins, ends = self._days.begins(monday), self._days.begins(monday + WEEK_DAYS)
        return Period(monday, begins, ends, (monday - first) // WEEK_DAYS)
