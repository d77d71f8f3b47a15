"""A meter runs over what a plan lays out: what is due at a moment, and when more than an amount will be due. Pure.

One walk serves both: the look ahead goes on where the sum stopped.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from billing.caps import CapState, Period
from billing.units import Run, price

AHEAD_S: Final = 366 * 86_400
"""So far ahead a rise is looked for; what has not risen within a year is said never to rise."""


class Due(NamedTuple):
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
        dues = self.dues
        for run in self._runs:
            begins, unit, count, amount = run[0], run[1], run[2], run[3]
            if begins >= until:
                self._run, self._counted = run, 0
                return self.total
            due = min(count, (until - begins - run[6] - 1) // unit + 1)
            if due <= 0 or until <= run[7]:
                due = 0
            elif amount == 0:
                dues.append(Due(run, due, 0))
            else:
                if self._caps:
                    self._charge(run, 0, due)
                else:
                    self.total += price(amount, run[4], run[5], due)
                dues.append(Due(run, due, price(amount, run[4], run[5], due)))
            if due < count:
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
            upto = self._same_periods(run, counted, last)
            periods = self._periods(run, counted)
            if self.total + self._left(run, counted, upto, periods) > amount:
                low, high = counted + 1, upto
                while low < high:
                    middle = (low + high) // 2
                    if self.total + self._left(run, counted, middle, periods) > amount:
                        high = middle
                    else:
                        low = middle + 1
                self._take(run, counted, low - 1, periods)
                return low - 1
            self._take(run, counted, upto, periods)
            counted = upto
        return None

    def _charge(self, run: Run, counted: int, due: int) -> None:
        while counted < due:
            upto = self._same_periods(run, counted, due)
            self._take(run, counted, upto, self._periods(run, counted))
            counted = upto

    def _periods(self, run: Run, number: int) -> list[tuple[CapState, Period]]:
        at = run.begins + number * run.unit
        return [(cap, cap.period(at, run)) for cap in self._caps if cap.applies(run.piece.window)]

    def _same_periods(self, run: Run, counted: int, last: int) -> int:
        """Up to which unit all start in the same periods as unit `counted`."""
        at = run.begins + counted * run.unit
        for cap in self._caps:
            if cap.applies(run.piece.window):
                last = min(last, counted - (at - cap.period(at, run).ends) // run.unit)
        return last

    def _left(self, run: Run, counted: int, upto: int, periods: list[tuple[CapState, Period]]) -> int:
        amount = _between(run, counted, upto)
        for cap, period in periods:
            amount = min(amount, cap.left(period))
        return amount

    def _take(self, run: Run, counted: int, upto: int, periods: list[tuple[CapState, Period]]) -> None:
        amount = _between(run, counted, upto)
        for cap, period in periods:
            allowed = min(amount, cap.left(period))
            cap.take(period, allowed, amount - allowed)
            amount = allowed
        self.total += amount


def _between(run: Run, counted: int, upto: int) -> int:
    if run.parts == 1:
        return run.amount * (upto - counted)
    return price(run.amount, run.parts, run.fraction, upto) - price(run.amount, run.parts, run.fraction, counted)
