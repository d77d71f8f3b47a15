"""Windows laid on the days of a place: which window is open when, in seconds since 1970, DST included. Pure.

Wall times become instants day by day and are kept, so that pricing a stay is walking over ready pieces.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from billing.tariffs.calendar import Calendar
from billing.tariffs.days import CalendarRule, is_day
from billing.tariffs.plan import Window
from billing.tariffs.words import seconds_of

NO_WINDOW: Final = -1
COVERED: Final = -2
"""The window of what a pass covers."""
FOREVER: Final = 1 << 60
_DAYS_KEPT: Final = 4000
"""Eleven years of days; a stay of a year needs 366."""


class Piece(Struct, frozen=True, gc=False):
    """Time in one window (or in none). `opened` and `closes` are those of the window's occurrence."""

    begins: int
    ends: int
    window: int
    opened: int
    closes: int


_NO_COVER: Final = (FOREVER, FOREVER + 1)
_ALWAYS: Final = Piece(-FOREVER, FOREVER, 0, -FOREVER, FOREVER)


class Days:
    """The local days of a time zone as instants; a day starts at `starts` seconds of the wall clock."""

    def __init__(self, zone: ZoneInfo, starts: int = 0) -> None:
        self.zone = zone
        self.starts = starts
        self._begins: dict[int, int] = {}

    def number(self, at: int) -> int:
        """Of the day in which the instant lies: the ordinal of its date."""
        local = datetime.fromtimestamp(at, self.zone)
        number = local.toordinal()
        return number - 1 if at < self.begins(number) else number

    def begins(self, number: int) -> int:
        """The instant at which the day begins."""
        known = self._begins.get(number)
        if known is None:
            if len(self._begins) > _DAYS_KEPT:
                self._begins.clear()
            known = self._begins[number] = instant(number, self.starts, self.zone)
        return known


def instant(number: int, second: int, zone: ZoneInfo) -> int:
    """A wall time as seconds since 1970; one that daylight saving skips is the moment of the jump's other side."""
    day = datetime.combine(date.fromordinal(number), datetime.min.time()) + timedelta(seconds=second)
    return int(day.replace(tzinfo=zone).astimezone(UTC).timestamp())


class Timeline:
    """The windows of a plan over time. Without windows all time is window 0."""

    def __init__(self, windows: Sequence[Window], days: Days, rule: CalendarRule, calendar: Calendar) -> None:
        self._windows = windows
        self._days = days
        self._rule = rule
        self._calendar = calendar
        self._kept: dict[int, tuple[Piece, ...]] = {}
        self._spill = max((window.ends_days_later for window in windows), default=0)

    def pieces(self, begins: int) -> Iterator[Piece]:
        """What is open from the instant on, without end and without gaps."""
        if not self._windows:
            yield _ALWAYS
            return
        number = datetime.fromtimestamp(begins, self._days.zone).toordinal()
        while True:
            for piece in self._day(number):
                if piece.ends > begins:
                    yield piece
            number += 1

    def _day(self, number: int) -> tuple[Piece, ...]:
        known = self._kept.get(number)
        if known is None:
            if len(self._kept) > _DAYS_KEPT:
                self._kept.clear()
            known = self._kept[number] = tuple(self._paint(number))
        return known

    def _paint(self, number: int) -> Iterator[Piece]:
        """One local day, midnight to midnight; what is listed first lies on top."""
        zone = self._days.zone
        first, last = instant(number, 0, zone), instant(number + 1, 0, zone)
        open_: list[tuple[int, int, int]] = []
        for index, window in enumerate(self._windows):
            for back in range(self._spill, -1, -1):
                if not self._begins_on(window, number - back):
                    continue
                opened = instant(number - back, seconds_of(window.from_time), zone)
                closes = instant(number - back + window.ends_days_later, seconds_of(window.until_time), zone)
                if opened < last and closes > first and opened < closes:
                    open_.append((opened, closes, index))
        edges = sorted({first, last, *(min(max(edge, first), last) for one in open_ for edge in one[:2])})
        for begins, ends in pairwise(edges):
            for opened, closes, index in open_:
                if opened <= begins and ends <= closes:
                    yield Piece(begins, ends, index, opened, closes)
                    break
            else:
                yield Piece(begins, ends, NO_WINDOW, begins, ends)

    def _begins_on(self, window: Window, number: int) -> bool:
        day = date.fromordinal(number)
        if not is_day(window.days, day, self._rule, self._calendar):
            return False
        return window.not_days is None or not is_day(window.not_days, day, self._rule, self._calendar)


def uncovered(pieces: Iterator[Piece], covers: Iterator[tuple[int, int]]) -> Iterator[Piece]:
    """The same pieces, with what is covered cut out into pieces of its own; `covers` come sorted and apart."""
    cover = next(covers, _NO_COVER)
    for piece in pieces:
        begins = piece.begins
        while begins < piece.ends:
            while cover[1] <= begins:
                cover = next(covers, _NO_COVER)
            if cover[0] >= piece.ends:
                yield replace(piece, begins=begins)
                break
            if begins < cover[0]:
                yield replace(piece, begins=begins, ends=cover[0])
            covered, begins = max(begins, cover[0]), min(cover[1], piece.ends)
            yield Piece(covered, begins, COVERED, covered, begins)
