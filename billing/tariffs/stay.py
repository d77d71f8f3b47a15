"""The stay that is priced, in seconds, and whether a condition of the tariff is true of it. Pure."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.tariffs.calendar import Calendar
from billing.tariffs.days import CalendarRule, is_day
from billing.tariffs.fee import Vehicle
from billing.tariffs.plan import Condition
from billing.tariffs.timeline import instant
from billing.tariffs.words import seconds_of

_LOOK_AHEAD_DAYS = 2


class PastVisit(NamedTuple):
    """An earlier visit: seconds since 1970, and what it was charged."""

    entry: int
    exit: int
    amount: int


class Stay(Struct, frozen=True):
    """Who came when. `tick` is the unit in which time is counted: a minute or a second."""

    entry: int
    vehicle: Vehicle
    permits: frozenset[str]
    earlier: tuple[PastVisit, ...]
    tick: int

    def counted(self, at: int) -> int:
        """The instant up to which `at` counts: whole ticks from entry."""
        return at - (at - self.entry) % self.tick

    def reached(self, counted: int) -> int:
        """The first instant that counts as `counted`."""
        return counted + (self.entry - counted) % self.tick


class Conditions:
    """Judges conditions in one place and calendar."""

    def __init__(self, zone: ZoneInfo, rule: CalendarRule, calendar: Calendar) -> None:
        self._zone = zone
        self._rule = rule
        self._calendar = calendar

    def fits_entry(self, when: Condition, stay: Stay) -> bool:
        """What is known when the car comes in."""
        if when.classes is not None and stay.vehicle.class_ not in when.classes:
            return False
        if when.new_energy is not None and stay.vehicle.new_energy != when.new_energy:
            return False
        if when.permits is not None and stay.permits.isdisjoint(when.permits):
            return False
        if when.entry_days is None and when.entry_not_days is None and when.entry_between is None:
            return True
        local = datetime.fromtimestamp(stay.entry, self._zone)
        if when.entry_days is not None and not self._is(when.entry_days, local.date()):
            return False
        if when.entry_not_days is not None and self._is(when.entry_not_days, local.date()):
            return False
        return when.entry_between is None or any(one.has(_second(local)) for one in when.entry_between)

    def fits_exit(self, when: Condition, stay: Stay, at: int) -> bool:
        """What is known when it leaves at `at`."""
        stayed = stay.counted(at) - stay.entry
        if when.stay_over_min is not None and stayed <= when.stay_over_min * 60:
            return False
        if when.stay_up_to_min is not None and stayed > when.stay_up_to_min * 60:
            return False
        if when.exit_between is None and when.exit_days_later_max is None:
            return True
        local = datetime.fromtimestamp(at, self._zone)
        if when.exit_days_later_max is not None:
            entered = datetime.fromtimestamp(stay.entry, self._zone)
            if local.toordinal() - entered.toordinal() > when.exit_days_later_max:
                return False
        return when.exit_between is None or any(one.has(_second(local)) for one in when.exit_between)

    def changes(self, when: Condition, stay: Stay, at: int) -> Iterator[int]:
        """Instants after `at` at which `fits_exit` may turn; not all of them, but the next one is among them."""
        for minutes in (when.stay_over_min, when.stay_up_to_min):
            if minutes is not None:
                yield stay.reached(stay.entry + minutes * 60 + 1)
        if when.exit_days_later_max is not None:
            entered = datetime.fromtimestamp(stay.entry, self._zone).toordinal()
            last = instant(entered + when.exit_days_later_max + 1, 0, self._zone)
            yield last
            if at >= last:
                return
        today = datetime.fromtimestamp(at, self._zone).toordinal()
        for between in when.exit_between or ():
            for number in range(today, today + _LOOK_AHEAD_DAYS):
                yield instant(number, seconds_of(between.from_time), self._zone)
                yield instant(number, between.ends_s, self._zone)

    def _is(self, words: tuple[str, ...], day: date) -> bool:
        return is_day(words, day, self._rule, self._calendar)


def _second(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second
