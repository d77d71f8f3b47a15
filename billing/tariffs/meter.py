"""A meter runs over what a plan lays out: what is due at a moment, and when more than an amount will be due. Pure.

One walk serves both: the look ahead goes on where the sum stopped.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from billing.tariffs.caps import CapState, Period
from billing.tariffs.units import Run, price

AHEAD_S: Final = 366 * 86_400
"""So far ahead a rise is looked for; what has not risen within a year is said never to rise."""


class Due(Struct, frozen=True, gc=False):
    """`units` of a run are due and cost `amount` before any cap."""

    run: Run
    units: int
    amount: int


class Meter:
    """The sum of a plan over a stay, forward only."""

    __slots__ = ("_caps", "_counted", "_done", "_run", "_runs", "dues", "total")

    def __init__(self, runs: Iterator[Run], caps: Sequence[CapState]) -> None:
        self._runs = runs
        self._caps = caps
        self._run: Run | None = None
        self._counted = 0
        self._done = False
        self.dues: list[Due] = []
        self.total = 0

    def run_to(self, until: int) -> int:
        """Sum up what is due at `until`; the runs that say so are in `dues`."""
        for run in self._runs:
            if run.begins >= until:
                self._run, self._counted = run, 0
                return self.total
            due = min(run.units, (until - run.begins - run.after - 1) // run.unit + 1)
            if due <= 0 or until <= run.gate:
                due = 0
            elif run.amount == 0:
                self.dues.append(Due(run, due, 0))
            else:
                amount = _between(run, 0, due)
                if self._caps:
                    self._charge(run, due)
                else:
                    self.total += amount
                self.dues.append(Due(run, due, amount))
            if due < run.units:
                self._run, self._counted = run, due
                return self.total
        self._done = True
        return self.total

    def first_beyond(self, amount: int, now: int) -> int | None:
        """The first moment after `now`, to which the meter ran, at which more than `amount` is due; None for never."""
        if self.total > amount:
            return now
        horizon = now + AHEAD_S
        run, counted = self._run, self._counted
        while not any(cap.is_used_up for cap in self._caps):
            if run is None:
                if self._done:
                    return None
                run, counted = next(self._runs, None), 0
            if run is None or run.begins > horizon:
                break
            if run.amount:
                last = min(run.units, (horizon - run.begins) // run.unit + 1)
                found = self._search(run, counted, last, amount)
                if found is not None:
                    self._run, self._counted = run, found
                    return max(run.begins + found * run.unit + run.after, run.gate) + 1
            run = None
        self._run = None
        self._done = True
        return None

    def _search(self, run: Run, counted: int, last: int, amount: int) -> int | None:
        """The first unit of the run, from `counted` on, with which the sum is more than `amount`; charges others."""
        while counted < last:
            periods = self._periods(run, counted)
            upto = _same(run, counted, last, periods)
            missing = amount - self.total
            tried = counted + 1  # most often the next unit is the one, so look near before far
            while tried < upto and self._left(run, counted, tried, periods) <= missing:
                tried = min(upto, 2 * tried - counted)
            if self._left(run, counted, tried, periods) > missing:
                low = counted + (tried - counted) // 2
                while low + 1 < tried:
                    middle = (low + tried) // 2
                    if self._left(run, counted, middle, periods) > missing:
                        tried = middle
                    else:
                        low = middle
                self._take(run, counted, tried - 1, periods)
                return tried - 1
            self._take(run, counted, upto, periods)
            counted = upto
        return None

    def _charge(self, run: Run, due: int) -> None:
        counted = 0
        while counted < due:
            periods = self._periods(run, counted)
            upto = _same(run, counted, due, periods)
            self._take(run, counted, upto, periods)
            counted = upto

    def _periods(self, run: Run, number: int) -> list[tuple[CapState, Period]]:
        at, window = run.begins + number * run.unit, run.piece.window
        return [
            (cap, cap.period(at, run)) for cap in self._caps if cap.rule.windows is None or window in cap.rule.windows
        ]

    def _left(self, run: Run, counted: int, upto: int, periods: list[tuple[CapState, Period]]) -> int:
        amount = _between(run, counted, upto)
        for cap, period in periods:
            amount = min(amount, cap.left(period))
        return amount

    def _take(self, run: Run, counted: int, upto: int, periods: list[tuple[CapState, Period]]) -> None:
        amount = _between(run, counted, upto)
        for cap, period in periods:
            amount = cap.take(period, amount)
        self.total += amount


def _same(run: Run, counted: int, last: int, periods: list[tuple[CapState, Period]]) -> int:
    """Up to which unit all start in the same periods as unit `counted`."""
    at = run.begins + counted * run.unit
    for _, period in periods:
        ends = counted - (at - period.ends) // run.unit
        last = min(last, ends)
    return last


def _between(run: Run, counted: int, upto: int) -> int:
    if run.parts == 1:
        return run.amount * (upto - counted)
    return price(run.amount, run.parts, run.fraction, upto) - price(run.amount, run.parts, run.fraction, counted)
