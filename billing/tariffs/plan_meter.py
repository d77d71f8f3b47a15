"""A plan made ready to price stays: its windows on the calendar, its charges and caps in seconds. Pure."""

from collections import Counter
from collections.abc import Hashable, Iterator
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.tariffs.calendar import Calendar
from billing.tariffs.caps import WEEK_DAYS, Anchors, CapRule, CapState
from billing.tariffs.days import CalendarRule
from billing.tariffs.layout import Layout, runs
from billing.tariffs.meter import Meter
from billing.tariffs.periods import NEVER, NO_FREEDOM, Freedom, Periods
from billing.tariffs.plan import Cap, Condition, Plan
from billing.tariffs.stay import PastVisit, Stay
from billing.tariffs.timeline import Days, Timeline, uncovered
from billing.tariffs.units import ladder_of, price_of
from billing.tariffs.words import DAY_S, seconds_of


class Reading(Struct, frozen=True):
    """A meter over a stay, and how instants of leaving become instants that are charged."""

    meter: Meter
    begins: int
    caps: tuple[CapState, ...]
    free: Freedom
    free_until: int
    least_until: int
    earlier_by: int
    percent: int

    def charged_until(self, counted: int) -> int:
        """Up to when a car is charged that leaves at `counted`: the shortest stay, minutes taken from the end."""
        until = counted - self.earlier_by
        if until <= max(self.free_until, self.begins):
            return until
        return max(until, self.least_until)

    def left_at(self, charged: int, counted: int) -> int:
        """The first instant of leaving after `counted` that is charged up to `charged`."""
        if charged <= self.least_until:
            charged = max(self.free_until, self.begins) + 1
        return max(charged + self.earlier_by, counted + 1)


class PlanMeter:
    """Prices stays by one plan."""

    def __init__(self, plan: Plan, zone: ZoneInfo, rule: CalendarRule, calendar: Calendar) -> None:
        self.plan = plan
        self.is_for_all = plan.when == Condition()
        self.looks_at_exit = plan.when.looks_at_exit
        self._days = Days(zone, seconds_of(plan.day_starts))
        self._timeline = Timeline(plan.windows, self._days, rule, calendar)
        self._layout = _layout(plan)
        self._caps = tuple(_cap_rule(cap, plan) for cap in plan.caps)

    def reading(
        self,
        stay: Stay,
        begins: int,
        *,
        covers: Iterator[tuple[int, int]] | None = None,
        extra_free: int = 0,
        earlier_by: int = 0,
        percent: int = 100,
    ) -> Reading:
        """A meter at the moment charging begins, which is after entry where a pass covers the beginning."""
        free = self._freedom(stay, begins, extra_free) if self.plan.free or extra_free else NO_FREEDOM
        pieces = self._timeline.pieces(begins)
        if covers is not None:
            pieces = uncovered(pieces, covers)
        layout = self._layout if percent == 100 else self._layout._replace(percent=percent)
        laid = runs(layout, pieces, begins, free=free, restart=self._restart(begins))
        caps = tuple(CapState(cap, self._days, self._anchors(cap, stay, begins)) for cap in self._caps)
        least = self.plan.least_min
        return Reading(
            Meter(laid, caps),
            begins,
            caps,
            free,
            _free_until(begins, free),
            begins + least * 60 if least else begins,
            earlier_by,
            percent,
        )

    def _restart(self, begins: int) -> Periods:
        if self.plan.restart == "24h":
            return Periods(begins + DAY_S, _a_day_later)
        return self._midnights(begins) if self.plan.restart == "day" else NEVER

    def _midnights(self, begins: int) -> Periods:
        return Periods(self._following(begins), self._following)

    def _following(self, at: int) -> int:
        return self._days.begins(self._days.number(at) + 1)

    def _freedom(self, stay: Stay, begins: int, extra: int) -> Freedom:
        free = self.plan.free
        if free is None:
            return Freedom(extra=extra)
        seconds = now = free.minutes * 60
        periods = NEVER
        earlier = stay.earlier
        if free.repeat == "24h":
            anchor, visits = _chain(earlier, begins, DAY_S)
            now = 0 if visits else seconds
            periods = Periods(anchor + DAY_S, _a_day_later)
        elif free.repeat != "entry":
            today = self._days.begins(self._days.number(begins))
            used = sum(max(0, min(visit.exit, begins) - max(visit.entry, today)) for visit in earlier)
            left = 0 if any(visit.exit > today for visit in earlier) else seconds
            now = max(0, seconds - used) if free.repeat == "quota" else left
            periods = self._midnights(begins)
        if free.not_again_within_min is not None and earlier:
            last = max(visit.exit for visit in earlier)
            now = 0 if begins - last < free.not_again_within_min * 60 else now
        return Freedom(now, seconds, periods, free.charge_from == "entry", free.counted, free.inclusive, extra)

    def _anchors(self, cap: CapRule, stay: Stay, begins: int) -> Anchors:
        day = self._days.number(begins) if cap.per in {"day", "week"} else 0
        if not cap.across_visits or not stay.earlier:
            return Anchors(begins, day, {})
        paid: Counter[Hashable] = Counter()
        if cap.per == "hours":
            begins, visits = _chain(stay.earlier, begins, cap.seconds)
            paid[0] = sum(visit.amount for visit in visits)
        elif cap.per == "window":
            for visit in stay.earlier:
                piece = next(self._timeline.pieces(visit.entry))
                paid[piece.window, piece.opened] += visit.amount
        elif cap.per in {"day", "week"}:
            for visit in stay.earlier:
                number = self._days.number(visit.entry)
                paid[number if cap.per == "day" else number - (number - 1) % WEEK_DAYS] += visit.amount
        return Anchors(begins, day, paid)


def _chain(earlier: tuple[PastVisit, ...], begins: int, seconds: int) -> tuple[int, tuple[PastVisit, ...]]:
    """Where the period of so many seconds began in which `begins` lies, and the visits that began in it."""
    anchor: int | None = None
    visits: list[PastVisit] = []
    for visit in sorted(earlier):
        if anchor is None or visit.entry >= anchor + seconds:
            anchor, visits = visit.entry, []
        visits.append(visit)
    if anchor is None or begins >= anchor + seconds:
        return begins, ()
    return anchor, tuple(visits)


def _free_until(begins: int, free: Freedom) -> int:
    if free.floor:
        return begins + max(free.extra, free.now - (0 if free.inclusive else 1))
    return begins + free.extra + free.now


def _a_day_later(at: int) -> int:
    return at + DAY_S


def _layout(plan: Plan) -> Layout:
    if plan.charge is not None:
        ladder = ladder_of(plan.charge)
        return Layout((ladder._replace(per_stay=True),), None, "stay")
    ladders = tuple(ladder_of(window.charge, window.ignore_up_to_min * 60) for window in plan.windows)
    return Layout(ladders, plan.boundary, plan.clock)


def _cap_rule(cap: Cap, plan: Plan) -> CapRule:
    index = {window.id: number for number, window in enumerate(plan.windows)}
    amounts = cap.amounts
    if cap.counts_as is not None:
        charge = plan.charge if cap.counts_as.window is None else plan.windows[index[cap.counts_as.window]].charge
        amounts = (price_of(charge, cap.counts_as.minutes) if charge else 0,)
    windows = None if cap.windows is None else frozenset(index[name] for name in cap.windows)
    return CapRule(cap.per, amounts, cap.after_last == "repeat", windows, (cap.hours or 0) * 3600, cap.across_visits)
