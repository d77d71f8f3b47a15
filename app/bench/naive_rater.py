"""A fee by stepping through the stay minute by minute: the baseline of `fees_s`, and the oracle of the tariff's tests.

It shares the tariff's data with `billing.tariffs.rate` and nothing else: no runs, no kept days, no seconds. It knows
plans without conditions on the exit, free time once per entry, units, totals, flat amounts, windows, restarts and caps;
whole minutes only.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.tariffs.calendar import Calendar
from billing.tariffs.charge import Charge, Flat, Nothing, Step, Totals
from billing.tariffs.days import is_day
from billing.tariffs.plan import Cap, Plan, Window
from billing.tariffs.tariff import TariffVersion

_MINUTE = timedelta(minutes=1)
_DAY_MIN = 1440
_ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - wall times have no zone


@dataclass
class _Unit:
    """A unit that has begun: minutes used of it, and what it costs when it counts."""

    price: int
    length: int
    counts_at: int
    begun_at: int
    window: int
    opened: datetime
    used: int = 0
    counted: bool = False


@dataclass
class _State:
    """What the naive rater remembers from minute to minute."""

    unit: _Unit | None = None
    charges: list[_Unit] = field(default_factory=list)
    paused: dict[int, _Unit] = field(default_factory=dict)
    origin: int = 0
    entered: int = 0
    used: dict[int, int] = field(default_factory=dict)
    here: tuple[int, datetime] | None = None
    flats: set[tuple[int, datetime | None]] = field(default_factory=set)


class NaiveRater:
    """Rates stays by the first plan of a tariff."""

    def __init__(self, version: TariffVersion, calendar: Calendar) -> None:
        self.version = version
        self.plan: Plan = version.plans[0]
        self.calendar = calendar
        self.zone = ZoneInfo(version.time_zone)

    def fee(self, entry: datetime, minutes: int) -> int:
        """Of a stay of whole minutes, in minor units."""
        plan, free = self.plan, self.plan.free
        free_min = free.minutes if free else 0
        if free is not None and minutes <= free_min:
            return 0
        first = free_min if free is not None and free.charge_from == "end_of_free" else 0
        state = _State(origin=0 if free is not None and free.counted else first)
        for minute in range(minutes):
            now = (entry + _MINUTE * minute).astimezone(self.zone)
            if minute >= first:
                self._minute(state, entry, minute, now)
            elif free is not None and free.counted:
                self._move(state, minute, now)
                if state.here is not None and plan.clock == "time_in_window":
                    state.used[state.here[0]] = state.used.get(state.here[0], 0) + 1
        return self._capped(state.charges, entry)

    def _minute(self, state: _State, entry: datetime, minute: int, now: datetime) -> None:
        plan = self.plan
        if self._restarts(entry, minute, now, state):
            state.unit = None
            state.paused.clear()
            state.used.clear()
            state.origin = state.entered = minute
            state.flats = {one for one in state.flats if one[1] is not None}
        carried = state.unit is not None and plan.boundary == "carry"
        before = state.here
        self._move(state, minute, now, keep_clock=carried)
        if state.unit is not None and state.here != before and not carried and not self._goes_on(before, state.here):
            if plan.boundary == "pause":
                state.paused[state.unit.window] = state.unit
            state.unit = None
        if state.here is not None and state.unit is None:
            self._begin(state, minute)
        in_own_window = state.unit is not None and state.here is not None and state.unit.window == state.here[0]
        if state.here is not None and plan.clock == "time_in_window" and (in_own_window or state.unit is None):
            state.used[state.here[0]] = state.used.get(state.here[0], 0) + 1
        if state.unit is not None:
            self._use(state, state.unit)

    def _use(self, state: _State, unit: _Unit) -> None:
        unit.used += 1
        if not unit.counted and unit.used >= unit.counts_at:
            unit.counted = True
            state.charges.append(unit)
        if unit.used >= unit.length:
            state.unit = None

    def _begin(self, state: _State, minute: int) -> None:
        if state.here is None:
            return
        window, opened = state.here
        if window in state.paused:
            state.unit = state.paused.pop(window)
            return
        charge = self._charge(window)
        if isinstance(charge, Nothing):
            return
        if isinstance(charge, Flat):
            once = charge.once == "stay" or not self.plan.windows
            key = (window, None if once else opened)
            if key not in state.flats:
                state.flats.add(key)
                state.charges.append(_Unit(charge.amount, 1, 1, minute, window, opened))
            return
        steps = charge.steps() if isinstance(charge, Totals) else charge.steps
        clock = self._clock(state, minute, window)
        step = next(step for step in steps if step.until_min is None or clock < step.until_min)
        length = step.unit_min if step.until_min is None else min(step.unit_min, step.until_min - clock)
        state.unit = _Unit(step.amount, length, _counts_at(step), minute, window, opened)

    def _clock(self, state: _State, minute: int, window: int) -> int:
        if self.plan.clock == "stay" or not self.plan.windows:
            return minute - state.origin
        if self.plan.clock == "window":
            return minute - state.entered
        return state.used.get(window, 0)

    def _move(self, state: _State, minute: int, now: datetime, *, keep_clock: bool = False) -> None:
        """See in which window this minute lies."""
        here = self._window_at(now)
        if here != state.here:
            if not self._goes_on(state.here, here):
                state.entered = minute
            state.here = here
        if keep_clock and self.plan.clock == "window" and state.unit is not None and here is not None:
            remaining = state.unit.length - state.unit.used
            if (state.unit.window, state.unit.opened) != here:
                state.entered = minute + remaining

    def _goes_on(self, before: tuple[int, datetime] | None, after: tuple[int, datetime] | None) -> bool:
        if before is None or after is None or before[0] != after[0]:
            return False
        return before[1] == after[1] or self.plan.clock != "window"

    def _restarts(self, entry: datetime, minute: int, now: datetime, state: _State) -> bool:
        if minute in {0, state.origin}:
            return False
        if self.plan.restart == "24h":
            return minute % _DAY_MIN == 0
        return self.plan.restart == "day" and (now.hour, now.minute) == (0, 0)

    def _window_at(self, now: datetime) -> tuple[int, datetime] | None:
        if not self.plan.windows:
            return (0, _ALWAYS)
        wall = now.replace(tzinfo=None)
        for number, window in enumerate(self.plan.windows):
            for back in range(window.ends_days_later, -1, -1):
                day = wall.date() - timedelta(days=back)
                opened = datetime.combine(day, datetime.min.time()) + _wall(window.from_time)
                closes = datetime.combine(day, datetime.min.time()) + _wall(window.until_time)
                closes += timedelta(days=window.ends_days_later)
                if opened <= wall < closes and self._is_on(window, day):
                    return (number, opened)
        return None

    def _is_on(self, window: Window, day: date) -> bool:
        rule = self.version.calendar
        if window.not_days is not None and is_day(window.not_days, day, rule, self.calendar):
            return False
        return is_day(window.days, day, rule, self.calendar)

    def _charge(self, window: int) -> Charge:
        return self.plan.charge if self.plan.charge is not None else self.plan.windows[window].charge

    def _capped(self, charges: list[_Unit], entry: datetime) -> int:
        used: dict[tuple[int, object], int] = {}
        total = 0
        for unit in sorted(charges, key=lambda one: one.begun_at):
            amount = unit.price
            for number, cap in enumerate(self.plan.caps):
                if cap.windows is not None and self.plan.windows[unit.window].id not in cap.windows:
                    continue
                period, most = self._period(cap, unit, entry)
                if most is not None:
                    amount = min(amount, max(0, most - used.get((number, period), 0)))
                used[number, period] = used.get((number, period), 0) + amount
            total += amount
        return total

    def _period(self, cap: Cap, unit: _Unit, entry: datetime) -> tuple[object, int | None]:
        local = (entry + _MINUTE * unit.begun_at).astimezone(self.zone)
        first = entry.astimezone(self.zone).toordinal()
        match cap.per:
            case "window":
                return (unit.window, unit.opened), cap.amounts[0]
            case "day":
                period = local.toordinal() - first
            case "week":
                period = (local.toordinal() - 1) // 7 - (first - 1) // 7
            case "hours":
                period = unit.begun_at // (60 * (cap.hours or 1))
            case _:
                period = 0
        if period < len(cap.amounts):
            return period, cap.amounts[period]
        return period, cap.amounts[-1] if cap.after_last == "repeat" else None


def _counts_at(step: Step) -> int:
    """So many minutes of a unit must be used for it to count."""
    if step.counts_after_min is not None:
        return step.counts_after_min + 1
    exact = {"up": 1, "down": step.unit_min, "half": -(-step.unit_min // 2), "more_than_half": step.unit_min // 2 + 1}
    return exact[step.rounding]


def _wall(time: str) -> timedelta:
    return timedelta(hours=int(time[:2]), minutes=int(time[3:]))
