"""A version made ready to price stays in a calendar: the plan that holds, its fee, and when that changes. Pure.

Within a stretch of time in which the same plans and concessions hold a fee can only rise, and the meter knows when;
where a condition on the exit turns, the fee is worked out anew.
"""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.tariffs.bill import bill
from billing.tariffs.calendar import Calendar
from billing.tariffs.fee import Fee, NoPlanFits
from billing.tariffs.lost_ticket import without_ticket
from billing.tariffs.plan_meter import PlanMeter, Reading
from billing.tariffs.reductions import Granted, covers, settle, sum_beyond, together, within_uses
from billing.tariffs.stay import Conditions, Stay
from billing.tariffs.tariff import TariffVersion
from billing.tariffs.timeline import FOREVER, Days

TURNS_MAX: Final = 128
"""Turns of conditions on the exit that a look ahead follows: two a day for two months. Each is priced anew, and a fee
that has not risen by then (all plans capped for ever) is said never to rise."""
COVERED_S_MAX: Final = 800 * 86_400
"""Charging begins after what a pass covers from entry on, but not later than no stay lasts: a pass may have no end."""


class Reckoned(Struct, frozen=True):
    """A fee at one moment of leaving, and what it was worked out from."""

    total: int
    amount: int
    plan: PlanMeter
    readings: list[tuple[PlanMeter, Reading, int]]
    grants: list[Granted]
    worth: list[int]


class Pricing:
    """A version made ready for a calendar."""

    def __init__(self, version: TariffVersion, calendar: Calendar) -> None:
        zone = ZoneInfo(version.time_zone)
        self.version = version
        self.calendar = calendar
        self.days = Days(zone)
        self.conditions = Conditions(zone, version.calendar, calendar)
        self.plans = tuple(PlanMeter(plan, zone, version.calendar, calendar) for plan in version.plans)

    def fee(self, stay: Stay, at: int, grants: list[Granted], *, ticket_lost: bool) -> Fee:
        """The whole answer."""
        fits = self.conditions.fits_entry
        plans = [plan for plan in self.plans if plan.is_for_all or fits(plan.plan.when, stay)]
        if grants:
            grants = [one for one in grants if fits(one.rule.when, stay)]
        now = self._reckon(stay, at, plans, grants)
        lines = bill(
            now.plan.plan,
            now.readings[0][1],
            stay=stay,
            at=at,
            version=self.version,
            amount=now.amount,
            grants=now.grants,
            worth=now.worth,
        )
        lost = self.version.lost_ticket
        least = lost.amount if ticket_lost and lost is not None and lost.how == "at_least" else 0
        changes_at, rises_at = self._ahead(stay, at, plans, grants, now=now, least=least)
        longest = now.plan.plan.max_stay
        fee = Fee(
            total=now.total,
            currency=self.version.currency,
            minor_digits=self.version.minor_digits,
            lines=lines,
            plan=now.plan.plan.id,
            rises_at=_moment(rises_at),
            changes_at=_moment(changes_at),
            overstays_at=_moment(stay.reached(stay.entry + longest.minutes * 60 + 1)) if longest else None,
        )
        return without_ticket(fee, self.version, stay, at) if ticket_lost else fee

    def _reckon(self, stay: Stay, at: int, plans: list[PlanMeter], grants: list[Granted]) -> Reckoned:
        """The fee of leaving at `at`."""
        fits = self.conditions.fits_exit
        fitting = [plan for plan in plans if not plan.looks_at_exit or fits(plan.plan.when, stay, at)]
        if not fitting:
            raise NoPlanFits("no plan of this tariff is for this stay")
        if grants:
            grants = together(within_uses([one for one in grants if self._holds(one, stay, at)]))
        if self.version.choose == "first":
            fitting = fitting[:1]
        readings = [(plan, *self._read(plan, stay, at, grants)) for plan in fitting]
        if len(readings) > 1:
            cheapest = min(readings, key=lambda one: one[2])
            readings = [cheapest, *(one for one in readings if one is not cheapest)]
        plan, _, amount = readings[0]
        worth = [min(self._worth(each, stay, one) for each in fitting) for one in grants]
        return Reckoned(settle(amount, grants, self.version.total, worth), amount, plan, readings, grants, worth)

    def _holds(self, one: Granted, stay: Stay, at: int) -> bool:
        if not self.conditions.fits_exit(one.rule.when, stay, at):
            return False
        return one.rule.exempt or one.begins <= at < one.ends

    def _read(self, plan: PlanMeter, stay: Stay, at: int, grants: list[Granted]) -> tuple[Reading, int]:
        begins, passes = stay.entry, None
        if grants and (exempt := _passes(grants)):
            begins = self._covered_until(stay, exempt)
            passes = covers(exempt, begins, self.days, self.version.calendar, self.calendar)
        extra = earlier_by = 0
        percent = 100
        for one in grants:
            minutes = (one.rule.free_min or 0) * one.uses * 60
            extra += minutes if one.rule.free_from == "start" else 0
            earlier_by += minutes if one.rule.free_from == "end" else 0
            if one.rule.percent_of == "units":
                percent = percent * (100 - one.rule.percent_off) // 100
        reading = plan.reading(stay, begins, covers=passes, extra_free=extra, earlier_by=earlier_by, percent=percent)
        amount = reading.meter.run_to(reading.charged_until(stay.counted(at)))
        return reading, amount + _surcharge(plan, stay, at, begins)

    def _covered_until(self, stay: Stay, passes: list[Granted]) -> int:
        """Charging begins there: where `passes` leave the first gap, at the entry where they do not cover that."""
        begins = stay.entry
        for covered in covers(passes, begins, self.days, self.version.calendar, self.calendar):
            if covered[0] > begins:
                break
            begins = max(begins, min(covered[1], stay.entry + COVERED_S_MAX))
        return begins

    def _worth(self, plan: PlanMeter, stay: Stay, one: Granted) -> int:
        if one.rule.free_min is None or one.rule.free_from != "worth":
            return 0
        reading = plan.reading(stay, stay.entry)
        return reading.meter.run_to(reading.charged_until(stay.entry + one.rule.free_min * 60))

    def _ahead(
        self, stay: Stay, at: int, plans: list[PlanMeter], grants: list[Granted], *, now: Reckoned, least: int
    ) -> tuple[int | None, int | None]:
        """When leaving next costs something else, and when it next costs more; `least` is asked in any case."""
        changes_at: int | None = None
        most = max(now.total, least)
        reckoned = now
        for _ in range(TURNS_MAX):
            turn = self._next_turn(stay, at, plans, grants)
            rise = self._rise(stay, at, reckoned, most)
            if rise is not None and (turn is None or rise < turn):
                return changes_at or rise, rise
            if turn is None:
                return changes_at, None
            at = turn
            try:
                reckoned = self._reckon(stay, at, plans, grants)
            except NoPlanFits:
                return changes_at, None
            if max(reckoned.total, least) != most:
                changes_at = changes_at or at
            if reckoned.total > most:
                return changes_at, at
        return changes_at, None

    def _rise(self, stay: Stay, at: int, reckoned: Reckoned, most: int) -> int | None:
        """The first instant after `at` with a total above `most`, as long as no condition turns."""
        wanted: int | None = most + 1
        total = self.version.total
        if reckoned.total != reckoned.amount or reckoned.grants or total.tax_ppm or total.round_to > 1 or total.least:
            wanted = sum_beyond(most, reckoned.amount, reckoned.grants, total, reckoned.worth)
        if wanted is None:
            return None
        rises: list[int] = []
        counted = stay.counted(at)
        for plan, reading, _ in reckoned.readings:
            more = wanted - 1 - _surcharge(plan, stay, at, reading.begins)
            charged = reading.meter.first_beyond(more, reading.charged_until(counted))
            if charged is None:
                return None
            rises.append(stay.reached(reading.left_at(charged, counted)))
        return max(rises)

    def _next_turn(self, stay: Stay, at: int, plans: list[PlanMeter], grants: list[Granted]) -> int | None:
        """The next instant at which another plan or concession may hold."""
        turns: list[int] = []
        for plan in plans:
            if plan.looks_at_exit:
                turns += self.conditions.changes(plan.plan.when, stay, at)
            if plan.plan.max_stay is not None:
                turns.append(stay.reached(stay.entry + plan.plan.max_stay.minutes * 60 + 1))
                if plan.plan.max_stay.surcharge and (passes := _passes(grants)):
                    turns.append(stay.reached(self._covered_until(stay, passes) + 1))
        for one in grants:
            if one.rule.when.looks_at_exit:
                turns += self.conditions.changes(one.rule.when, stay, at)
            if not one.rule.exempt:
                turns += [edge for edge in (one.begins, one.ends) if -FOREVER < edge < FOREVER]
        return min((turn for turn in turns if turn > at), default=None)


def _passes(grants: list[Granted]) -> list[Granted]:
    """Those that cover some of the time; what holds always takes everything off the sum instead."""
    return [one for one in grants if one.rule.exempt and not one.is_always]


def _surcharge(plan: PlanMeter, stay: Stay, at: int, begins: int) -> int:
    """Not for whoever is covered by passes until he leaves: charging `begins` later."""
    longest, counted = plan.plan.max_stay, stay.counted(at)
    if longest is None or counted - stay.entry <= longest.minutes * 60 or stay.entry < begins >= counted:
        return 0
    return longest.surcharge


def _moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
