"""A plan is laid out from the moment charging begins: run after run of units, cut or carried at its boundaries. Pure.

What ends a unit early: the end of its step, a restart of the plan, the beginning of new free time, and, unless units
are carried, the end of its window. Time in no window, free windows and what a pass covers are runs that cost nothing.
"""

from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from billing.tariffs.periods import NEVER, NO_FREEDOM, Freedom, Periods
from billing.tariffs.timeline import Piece
from billing.tariffs.units import ENDLESS, Ladder, Run, Rung

Boundary = Literal["carry", "split", "pause"]
Clock = Literal["stay", "window", "time_in_window"]


class Layout(NamedTuple):
    """One ladder a window, and what happens where a window ends."""

    ladders: tuple[Ladder, ...]
    boundary: Boundary | None = None
    clock: Clock = "stay"
    percent: int = 100
    """Of the price of each unit: what is left after discounts that come before the caps."""


def runs(
    layout: Layout, pieces: Iterator[Piece], begins: int, *, free: Freedom = NO_FREEDOM, restart: Periods = NEVER
) -> Iterator[Run]:
    """From `begins` on, for ever, or until nothing can be charged any more."""
    return _Walk(layout, pieces, begins, free, restart).runs()


class _Begun(NamedTuple):
    """A unit that pauses: how much of it is used, whether it counts already, and where it began."""

    rung: Rung
    used: int
    counted: bool
    begins: int
    piece: Piece
    clock: int


class _Walk:
    """Where the walk is, and what the clocks show."""

    def __init__(self, layout: Layout, pieces: Iterator[Piece], begins: int, free: Freedom, restart: Periods) -> None:
        self.layout = layout
        self.pieces = pieces
        self.free = free
        self.restart = restart
        self.restart_at = restart.first
        self.free_at = free.periods.first
        self.at = begins
        self.piece = next(pieces)
        self.ahead: deque[Piece] = deque()
        self.gate = begins - 1
        self.origin = begins
        self.entered = begins
        self.used: dict[int, int] = {}
        self.paused: dict[int, _Begun] = {}
        self.flats: set[int] = set()
        self.flat_in: tuple[int, int] | None = None
        self.window_gate = self.gate
        self.ignored = False
        self._free_time(free.now)
        if free.extra:
            self.at += free.extra
            self.origin += free.extra
            self.entered = self.at
        self._skip_to_piece()
        self._enter()

    def runs(self) -> Iterator[Run]:
        hard = self._begin_periods()
        while self.at < ENDLESS:
            if self.at >= hard:
                hard = self._begin_periods()
            piece = self.piece
            if piece.ends <= self.at:
                self._next_piece()
                continue
            ladder = self.layout.ladders[piece.window] if piece.window >= 0 else None
            stop = min(piece.ends, hard)
            if ladder is None or self.ignored or not (ladder.rungs or ladder.flat is not None):
                yield self._nothing(stop)
            elif ladder.flat is not None:
                yield self._flat(ladder, stop)
            elif piece.window in self.paused:
                yield self._rest_of_paused(stop)
            else:
                yield self._units(ladder, hard)

    def _begin_periods(self) -> int:
        """Begin what begins here. Returns the instant at which every unit must end."""
        while self.at >= self.free_at:
            self.free_at = self.free.periods.following(self.free_at)
            self._free_time(self.free.later)
        if self.at >= self.restart_at:
            self.origin = self.entered = self.at
            self.used.clear()
            self.paused.clear()
            self.flats.clear()
            while self.at >= self.restart_at:
                self.restart_at = self.restart.following(self.restart_at)
        return min(self.restart_at, self.free_at)

    def _free_time(self, seconds: int) -> None:
        if self.free.floor:
            if seconds:
                self.gate = self.at + seconds - (0 if self.free.inclusive else 1)
                self.window_gate = max(self.window_gate, self.gate)
        else:
            self.at += seconds
            if not self.free.counted:
                self.origin += seconds
                self.entered = self.at

    def _skip_to_piece(self) -> None:
        while self.piece.ends <= self.at:
            if self.free.counted and self.layout.clock == "time_in_window":
                self.used[self.piece.window] = self.used.get(self.piece.window, 0) + self.piece.ends - self.entered
                self.entered = self.piece.ends
            self.piece = next(self.pieces)
        if self.free.counted:
            self.entered = max(self.entered, self.piece.begins)

    def _next_piece(self) -> None:
        before = self.piece
        after = self.ahead.popleft() if self.ahead else next(self.pieces)
        joined = _joins(self.layout.clock, before, after)
        if self.layout.clock == "time_in_window":
            until = self.at if joined else before.ends
            self.used[before.window] = self.used.get(before.window, 0) + max(0, until - self.entered)
            self.entered = self.at
        elif not joined:
            self.entered = self.at
        self.piece = after
        if (before.window, before.opened) != (after.window, after.opened):
            self._enter()

    def _enter(self) -> None:
        """A window opens for this stay: what it ignores begins."""
        piece = self.piece
        if piece.window < 0:
            return
        ignore = self.layout.ladders[piece.window].ignore
        self.ignored = bool(ignore) and piece.closes - self.at <= ignore
        self.window_gate = max(self.gate, self.at + ignore) if ignore else self.gate

    def _nothing(self, stop: int) -> Run:
        begins, self.at = self.at, stop
        return Run(begins, max(1, stop - begins), 1, 0, 1, "down", 0, begins - 1, self.piece, 0, False)

    def _flat(self, ladder: Ladder, stop: int) -> Run:
        """The flat amount, once per window's opening or per stay; afterwards a run of no units.

        Even then something is yielded, so that whoever walks sees how far it is.
        """
        piece, begins, self.at = self.piece, self.at, stop
        charged = piece.window in self.flats if ladder.per_stay else self.flat_in == (piece.window, piece.opened)
        length = piece.closes - begins
        if charged or ladder.after >= length:
            return Run(begins, 1, 0, 0, 1, "down", 0, begins - 1, piece, 0, True)
        self.flats.add(piece.window)
        self.flat_in = (piece.window, piece.opened)
        amount, parts = self._share(ladder.flat or 0, 1)
        return Run(begins, length, 1, amount, parts, "down", ladder.after, self.window_gate, piece, 0, True)

    def _clock(self) -> int:
        if self.layout.clock == "stay":
            return self.at - self.origin
        if self.layout.clock == "window":
            return self.at - self.entered
        return self.used.get(self.piece.window, 0) + self.at - self.entered

    def _units(self, ladder: Ladder, hard: int) -> Run:
        """As many whole units as fit, or the part of one that does."""
        at, piece, clock = self.at, self.piece, self._clock()
        for rung in ladder.rungs:
            if clock < rung.until:
                break
        to_end = piece.ends - at
        fitting = -(-to_end // rung.unit)
        ends = at + fitting * rung.unit
        if self.layout.boundary != "carry":
            ends = self._same_price_until(ends)
        room = min(hard - at, ends - at, rung.until - clock)
        count = min(room // rung.unit, fitting)
        if count:
            return self._run(rung, rung.unit, count, after=rung.after, clock=clock)
        counts = rung.after < room
        if self.layout.boundary == "pause" and at + room == ends:
            self.paused[piece.window] = _Begun(rung, room, counts, at, piece, clock)
        if not counts:
            return self._nothing(at + room)
        return self._run(rung, room, 1, after=rung.after, clock=clock)

    def _same_price_until(self, enough: int) -> int:
        """Where units must end because another window begins; nobody needs to know beyond `enough`."""
        ends, last = self.piece.ends, self.piece
        number = 0
        while ends < min(enough, ENDLESS):
            if number == len(self.ahead):
                self.ahead.append(next(self.pieces))
            after = self.ahead[number]
            if not _joins(self.layout.clock, last, after):
                break
            ends, last, number = after.ends, after, number + 1
        return ends

    def _rest_of_paused(self, stop: int) -> Run:
        """The rest of a unit that was begun when its window was open before; it still belongs to where it began."""
        at = self.at
        begun = self.paused.pop(self.piece.window)
        rung, used = begun.rung, begun.used
        length = min(rung.unit - used, stop - at)
        counts = rung.after < used + length
        if used + length < rung.unit and stop == self.piece.ends:
            self.paused[self.piece.window] = begun._replace(used=used + length, counted=begun.counted or counts)
        if begun.counted or not counts:
            return self._nothing(at + length)
        self.at = at + length
        amount, parts = self._share(rung.amount, rung.parts)
        due = at - used + rung.after - begun.begins
        return Run(
            begun.begins, at + length - begun.begins, 1, amount, parts, rung.fraction, due, self.window_gate,
            begun.piece, begun.clock, False,
        )  # fmt: skip

    def _run(self, rung: Rung, unit: int, count: int, *, after: int, clock: int) -> Run:
        begins, self.at = self.at, self.at + count * unit
        amount, parts = self._share(rung.amount, rung.parts)
        return Run(begins, unit, count, amount, parts, rung.fraction, after, self.window_gate, self.piece, clock, False)

    def _share(self, amount: int, parts: int) -> tuple[int, int]:
        percent = self.layout.percent
        return (amount, parts) if percent == 100 else (amount * percent, parts * 100)


def _joins(clock: Clock, before: Piece, after: Piece) -> bool:
    """Whether the same price goes on, so that no unit ends between them."""
    if before.window != after.window or before.window < 0:
        return False
    return before.opened == after.opened or clock != "window"
