"""Which concessions lower this fee, and by how much: the sum after discounts, coupons, tax and rounding. Pure.

**Invariant**: `settle` never falls when the sum before it rises, so that a rise can be looked for backwards.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from heapq import merge
from typing import NamedTuple

from billing.tariffs.calendar import Calendar
from billing.tariffs.concession import Concession, Cover, Held
from billing.tariffs.days import CalendarRule, is_day
from billing.tariffs.tariff import Total
from billing.tariffs.timeline import FOREVER, Days, instant
from billing.tariffs.words import seconds_of


class Granted(NamedTuple):
    """A concession for this stay: how often it may be used, and from when until when it holds, in seconds."""

    rule: Concession
    uses: int
    begins: int
    ends: int

    @property
    def is_always(self) -> bool:
        """Whether it holds at every hour of every day."""
        return not self.rule.covers and self.begins == -FOREVER and self.ends == FOREVER


class Change(NamedTuple):
    """One step from the sum to the total."""

    kind: str
    amount: int
    granted: Granted | None
    price: int


def granted(rules: Sequence[Concession], held: Sequence[Held]) -> list[Granted]:
    """Everybody's discounts and what is presented, in the tariff's order. Raises KeyError for an unknown one."""
    by_id: dict[str, list[Held]] = {}
    for one in held:
        by_id.setdefault(one.concession, []).append(one)
    found: list[Granted] = []
    for rule in rules:
        shown = by_id.pop(rule.id, [])
        if rule.kind == "discount":
            found.append(Granted(rule, 1, -FOREVER, FOREVER))
        for one in shown if rule.kind != "discount" else ():
            if one.count > 0:
                begins = -FOREVER if one.valid_from is None else int(one.valid_from.timestamp())
                ends = FOREVER if one.valid_until is None else int(one.valid_until.timestamp())
                found.append(Granted(_said_by(one, rule), one.count, begins, ends))
    if by_id:
        raise KeyError(next(iter(by_id)))
    return found


def within_uses(holding: Sequence[Granted]) -> list[Granted]:
    """Of those that hold no more than the tariff's `uses_max`, in the order presented; passes are not used up."""
    used: dict[str, int] = {}
    kept = []
    for one in holding:
        if one.rule.exempt or one.rule.kind == "discount":
            kept.append(one)
            continue
        count = min(one.uses, one.rule.uses_max - used.get(one.rule.id, 0))
        if count > 0:
            used[one.rule.id] = used.get(one.rule.id, 0) + count
            kept.append(one._replace(uses=count))
    return kept


def _said_by(one: Held, rule: Concession) -> Concession:
    """The tariff's concession, or less of it where the coupon says less."""
    less: dict[str, int] = {}
    if one.minutes is not None and rule.free_min is not None:
        less["free_min"] = max(0, min(one.minutes, rule.free_min))
    if one.amount is not None:
        less["amount_off"] = max(0, min(one.amount, rule.amount_off))
    return rule.model_copy(update=less) if less else rule


def together(wanted: Sequence[Granted]) -> list[Granted]:
    """Without those that exclude each other: the one listed first stays."""
    kept: list[Granted] = []
    for one in wanted:
        names = {other.rule.id for other in kept}
        excluded = names & set(one.rule.not_with)
        if not excluded and not any(one.rule.id in other.rule.not_with for other in kept):
            kept.append(one)
    return kept


def covers(
    grants: Sequence[Granted], begins: int, days: Days, rule: CalendarRule, calendar: Calendar
) -> Iterator[tuple[int, int]]:
    """What passes cover from `begins` on: intervals in order and apart, without end where a pass has none."""
    last: tuple[int, int] | None = None
    for interval in merge(*(_covered(one, begins, days, rule, calendar) for one in grants)):
        if last is None:
            last = interval
        elif interval[0] <= last[1]:
            last = (last[0], max(last[1], interval[1]))
        else:
            yield last
            last = interval
    if last is not None:
        yield last


def _covered(
    one: Granted, begins: int, days: Days, rule: CalendarRule, calendar: Calendar
) -> Iterator[tuple[int, int]]:
    if not one.rule.covers:
        yield (one.begins, one.ends)
        return
    number = days.number(begins) - 1
    while days.begins(number) < min(one.ends, begins + 800 * 86_400):
        for opened, closes in sorted(_hours(one.rule.covers, number, days, rule, calendar)):
            clipped = max(opened, one.begins), min(closes, one.ends)
            if clipped[0] < clipped[1]:
                yield clipped
        number += 1


def _hours(
    rules: Sequence[Cover], number: int, days: Days, rule: CalendarRule, calendar: Calendar
) -> Iterator[tuple[int, int]]:

    for cover in rules:
        if is_day(cover.days, date.fromordinal(number), rule, calendar):
            opens, shuts = seconds_of(cover.between.from_time), seconds_of(cover.between.until_time)
            later = 0 if shuts > opens else 1
            yield instant(number, opens, days.zone), instant(number + later, shuts, days.zone)


def settle(amount: int, grants: Sequence[Granted], total: Total, worth: Sequence[int]) -> int:
    """The total of a sum; `worth` is what each grant's minutes are worth, where they are taken off as money."""
    for number, one in enumerate(grants):
        amount = _lowered(amount, one, worth[number])
    if total.tax_ppm:
        amount += _tax(amount, total)
    if total.round_to > 1:
        amount = _rounded(amount, total)
    return max(amount, total.least) if amount else 0


def changes(amount: int, grants: Sequence[Granted], total: Total, worth: Sequence[int]) -> Iterator[Change]:
    """The same, step by step; steps that change nothing are left out unless they are somebody's concession."""
    for number, one in enumerate(grants):
        rule = one.rule
        if rule.exempt and one.is_always:
            yield Change("exempt", -amount, one, 0)
            amount = 0
            continue
        if worth[number]:
            off = min(amount, worth[number] * one.uses)
            yield Change("minutes", -off, one, 0)
            amount -= off
        if rule.percent_off and rule.percent_of == "total":
            left = _after_percent(amount, rule)
            yield Change("percent", left - amount, one, 0)
            amount = left
        if rule.amount_off:
            off = min(amount, rule.amount_off * one.uses)
            yield Change("amount_off", -off, one, rule.amount_off * one.uses)
            amount -= off
        if rule.pays_at_most is not None and amount > rule.pays_at_most:
            yield Change("at_most", rule.pays_at_most - amount, one, rule.pays_at_most)
            amount = rule.pays_at_most
    if total.tax_ppm and amount:
        yield Change("tax", _tax(amount, total), None, total.tax_ppm)
        amount += _tax(amount, total)
    if (rounded := _rounded(amount, total)) != amount:
        yield Change("rounding", rounded - amount, None, total.round_to)
        amount = rounded
    if 0 < amount < total.least:
        yield Change("least", total.least - amount, None, total.least)


def sum_beyond(most: int, amount: int, grants: Sequence[Granted], total: Total, worth: Sequence[int]) -> int | None:
    """The least sum of at least `amount` whose total is more than `most`; None when no sum's is."""
    low, high = amount, max(amount, 1)
    while settle(high, grants, total, worth) <= most:
        high *= 2
        if high > FOREVER:
            return None
    while low < high:
        middle = (low + high) // 2
        if settle(middle, grants, total, worth) > most:
            high = middle
        else:
            low = middle + 1
    return low


def _lowered(amount: int, one: Granted, worth: int) -> int:
    rule = one.rule
    if rule.exempt and one.is_always:
        return 0
    amount = max(0, amount - worth * one.uses)
    if rule.percent_off and rule.percent_of == "total":
        amount = _after_percent(amount, rule)
    amount = max(0, amount - rule.amount_off * one.uses)
    return amount if rule.pays_at_most is None else min(amount, rule.pays_at_most)


def _after_percent(amount: int, rule: Concession) -> int:
    left = amount * (100 - rule.percent_off) // 100
    return left if rule.percent_off_at_most is None else max(left, amount - rule.percent_off_at_most)


def _tax(amount: int, total: Total) -> int:
    return (2 * amount * total.tax_ppm + 1_000_000) // 2_000_000


def _rounded(amount: int, total: Total) -> int:
    to = total.round_to
    if total.round_how == "down":
        return amount // to * to
    if total.round_how == "up":
        return -(-amount // to) * to
    return (2 * amount + to) // (2 * to) * to


def second_of(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())
