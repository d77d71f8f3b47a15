"""A tariff as the `charging_rule` of WeChat's parking-lot application, and what that cannot say. Pure.

Fields and values are those of `POST /v3/parking/reminders/application` (minutes and fen). The rule is informative: it
is shown to drivers and checked by WeChat's staff; what is charged is worked out here. Whatever it leaves out is listed,
so that nobody takes it for the tariff.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from billing.tariffs.charge import Charge, Flat, Nothing, Step, Totals, Units
from billing.tariffs.concession import Concession
from billing.tariffs.plan import Cap, Condition, Plan, Window
from billing.tariffs.tariff import TariffVersion
from billing.tariffs.words import Unsaid

_FREE_PERIOD: Final = {
    "entry": "FREE_PERIOD_CHARGING_ONCE_PER_ENTRY",
    "24h": "FREE_PERIOD_CHARGING_ONCE_PER_24_HOURS",
    "day": "FREE_PERIOD_CHARGING_ONCE_PER_CALENDAR_DAY",
    "quota": "FREE_PERIOD_CHARGING_CUMULATIVE_QUOTA_CALCULATION",
}
_CLASSES: Final = {"small": "SMALL", "large": "LARGE", "extra_large": "EXTRA_LARGE"}
_ROUNDING: Final = {"up": "TIME_ROUND_UP", "down": "TIME_ROUND_DOWN"}
_DAYS: Final = {
    frozenset({"all"}): "DAY_TYPE_ALL_DAY",
    frozenset({"workday"}): "DAY_TYPE_WEEKDAY",
    frozenset({"mon", "tue", "wed", "thu", "fri"}): "DAY_TYPE_WEEKDAY",
    frozenset({"weekend", "holiday"}): "DAY_TYPE_HOLIDAY",
    frozenset({"sat", "sun"}): "DAY_TYPE_HOLIDAY",
}
_SHAPES: Final = {
    "fixed_interval_rule": "FIXED_INTERVAL",
    "duration_segment_rule": "SEGMENT",
    "pre_entry_rule": "PER_ENTRY",
}


class ChargingRule(NamedTuple):
    """The rule as JSON, and what it leaves out."""

    rule: dict[str, Any]
    unsaid: tuple[Unsaid, ...]


class _Part(NamedTuple):
    """A charge with the plan and the window it belongs to."""

    plan: Plan
    window: Window | None
    charge: Charge
    place: str


def charging_rule(version: TariffVersion, *, exit_free_min: int = 15) -> ChargingRule:
    """`exit_free_min`: minutes to leave after paying inside, which is policy and not tariff."""
    parts = list(_parts(version))
    shape = _shape(parts)
    rule: dict[str, Any] = {
        "rule_type": f"CHARGING_RULE_{_SHAPES[shape]}",
        "free_exit_duration": exit_free_min,
        **_common(version),
        shape: [row for part in parts for row in _rows(version, part, shape)],
    }
    return ChargingRule(rule, tuple(_unsaid(version, parts, shape)))


def _parts(version: TariffVersion) -> Iterator[_Part]:
    for number, plan in enumerate(version.plans):
        if plan.charge is not None:
            yield _Part(plan, None, plan.charge, f"plans.{number}.charge")
        for index, window in enumerate(plan.windows):
            yield _Part(plan, window, window.charge, f"plans.{number}.windows.{index}")


def _shape(parts: Sequence[_Part]) -> str:
    if all(isinstance(part.charge, Flat | Nothing) for part in parts):
        return "pre_entry_rule"
    if all(isinstance(part.charge, Units) and _is_first_then_later(part.charge.steps) for part in parts):
        return "fixed_interval_rule"
    return "duration_segment_rule"


def _is_first_then_later(steps: Sequence[Step]) -> bool:
    return len(steps) == 1 or (len(steps) == 2 and steps[0].unit_min == steps[0].until_min)


def _common(version: TariffVersion) -> dict[str, Any]:
    plan = version.plans[0]
    said: dict[str, Any] = {}
    cap = _daily(plan)
    if cap is not None:
        said["daily_limit_type"] = "DAILY_LIMIT_CALENDAR_DAY" if cap.per == "day" else "DAILY_LIMIT_ROLLING_24H"
        said["fee_limit_type"] = "FEE_LIMIT_AGGREGATE" if cap.across_visits else "FEE_LIMIT_SINGLE"
    roundings = {step.rounding for part in _parts(version) for step in _steps(part.charge)} & set(_ROUNDING)
    if len(roundings) == 1:
        said["time_rounding_type"] = _ROUNDING[next(iter(roundings))]
    if plan.free is not None:
        said["free_entry_duration"] = plan.free.minutes
        from_entry = plan.free.charge_from == "entry"
        said["first_charge_time_mode"] = f"FIRST_CHARGE_TIME_MODE_{'ENTER' if from_entry else 'AFTER_FREE'}"
    words = {word for part in _parts(version) if part.window for word in part.window.days}
    if words & {"holiday", "workday", "statutory"}:
        said["holiday_mode"] = "HOLIDAY_MODE_LEGAL_MODY"
    elif words - {"all"}:
        said["holiday_mode"] = "HOLIDAY_MODE_CALENDAR_MODY"
    return said


def _rows(version: TariffVersion, part: _Part, shape: str) -> Iterator[dict[str, Any]]:
    row = _row(part)
    match shape:
        case "pre_entry_rule":
            yield row | {"amount": part.charge.amount if isinstance(part.charge, Flat) else 0}
        case "fixed_interval_rule":
            yield row | _interval(version, part)
        case _:
            for segment in _segments(part.charge):
                yield row | segment


def _row(part: _Part) -> dict[str, Any]:
    window, plan = part.window, part.plan
    names = [_CLASSES[name] for name in plan.when.classes or () if name in _CLASSES]
    row: dict[str, Any] = {
        "day_type": _DAYS.get(frozenset(window.days), "DAY_TYPE_UNKNOWN") if window else "DAY_TYPE_ALL_DAY",
        "start_time": window.from_time if window else "00:00",
        "end_time": window.until_time if window else "24:00",
        "vehicle_type": f"VEHICLE_TYPE_{names[0] if len(names) == 1 else 'ALL_TYPE'}",
        "plate_type": "PLATE_TYPE_TEMPORARY",
    }
    cap = _daily(plan)
    if cap is not None and cap.amounts:
        row["max_fee_per_day"] = cap.amounts[0]
    if window is not None and (most := _of_window(plan, window)) is not None:
        row["interval_max_amount"] = most
    return row


def _interval(version: TariffVersion, part: _Part) -> dict[str, Any]:
    steps = _steps(part.charge)
    first, later, free = steps[0], steps[-1], part.plan.free
    again = part.plan.clock == "window" or part.plan.restart != "never"
    row: dict[str, Any] = {
        "first_duration": first.unit_min,
        "first_amount": first.amount,
        "interval_duration": later.unit_min,
        "interval_amount": later.amount,
        "first_duration_mode": f"FIRST_DURATION_MODE_{'EVERY' if again else 'ONLY'}_FIRST_DURATION",
        "is_green_vehicle_free_parking": any(_is_green_free(one) for one in version.concessions),
    }
    if free is not None:
        together = free.charge_from == "entry" or free.counted
        row["free_period_charging_mode"] = _FREE_PERIOD[free.repeat]
        row["free_period_calculation_mode"] = f"FREE_PERIOD_CAL_{'CONCURRENT' if together else 'SEQUENTIAL'}_START"
    return row


def _is_green_free(one: Concession) -> bool:
    """Every new-energy vehicle parks for nothing, whenever it comes."""
    return one.exempt and one.kind == "discount" and not one.covers and one.when == Condition(new_energy=True)


def _segments(charge: Charge) -> Iterator[dict[str, Any]]:
    if isinstance(charge, Flat):
        yield {"charge_mode": "ONE_TIME", "duration_from": 0, "fixed_amount": charge.amount}
        return
    begins = 0
    for step in _steps(charge):
        until = {} if step.until_min is None else {"duration_to": step.until_min}
        price = {"interval_min": step.unit_min, "interval_amount": step.amount}
        yield {"charge_mode": "INTERVAL", "duration_from": begins, **until, **price}
        begins = step.until_min or begins


def _steps(charge: Charge) -> tuple[Step, ...]:
    if isinstance(charge, Totals):
        return charge.steps()
    return charge.steps if isinstance(charge, Units) else ()


def _daily(plan: Plan) -> Cap | None:
    return next((cap for cap in plan.caps if _is_daily(cap)), None)


def _is_daily(cap: Cap) -> bool:
    one_of_all = cap.windows is None and len(cap.amounts) == 1 and cap.after_last == "repeat"
    return one_of_all and (cap.per == "day" or (cap.per == "hours" and cap.hours == 24))


def _of_window(plan: Plan, window: Window) -> int | None:
    caps = (cap for cap in plan.caps if cap.per == "window" and (cap.windows is None or window.id in cap.windows))
    return next((cap.amounts[0] for cap in caps if cap.amounts), None)


def _unsaid(version: TariffVersion, parts: Sequence[_Part], shape: str) -> Iterator[Unsaid]:
    for number, plan in enumerate(version.plans):
        place = f"plans.{number}"
        yield from (Unsaid(field=f"{place}.{field}", why=why) for field, why in _of_plan(plan))
        if plan.restart != "never" and shape != "fixed_interval_rule":
            yield Unsaid(field=f"{place}.restart", why="only a first hour can begin again")
        if number and (plan.free != version.plans[0].free or _daily(plan) != _daily(version.plans[0])):
            yield Unsaid(field=f"{place}.free", why="one free time and one kind of daily limit are for all rows")
    for part in parts:
        yield from (Unsaid(field=f"{part.place}.{field}", why=why) for field, why in _of_part(part))
    for number, one in enumerate(version.concessions):
        if shape != "fixed_interval_rule" or not _is_green_free(one):
            yield Unsaid(field=f"concessions.{number}", why="only free parking of new-energy vehicles can be said")
    if version.choose == "cheapest" and len(version.plans) > 1:
        yield Unsaid(field="choose", why="there is no cheapest of several rules")
    if version.total.tax_ppm or version.total.round_to > 1 or version.total.least:
        yield Unsaid(field="total", why="there is no tax on top, rounding or least charge")
    if version.lost_ticket is not None:
        yield Unsaid(field="lost_ticket", why="there is no charge for a lost ticket")
    if version.currency != "CNY":
        yield Unsaid(field="currency", why="amounts are fen")


def _of_plan(plan: Plan) -> Iterator[tuple[str, str]]:
    said = plan.when.model_dump(exclude_none=True, exclude={"classes"})
    for field in said:
        yield f"when.{field}", "rows know day type, hours and vehicle size only"
    if set(plan.when.classes or ()) - set(_CLASSES) or len(plan.when.classes or ()) > 1:
        yield "when.classes", "one of small, large and extra_large can be said"
    if plan.boundary is not None:
        yield "boundary", "what becomes of a unit at the end of its hours is not said"
    for field, there in (("least_min", plan.least_min), ("max_stay", plan.max_stay)):
        if there is not None:
            yield field, "there is no shortest or longest stay"
    if plan.day_starts != "00:00":
        yield "day_starts", "calendar days begin at midnight"
    if plan.free is not None and plan.free.not_again_within_min is not None:
        yield "free.not_again_within_min", "there is no time between visits"
    for number, cap in enumerate(plan.caps):
        if not _is_daily(cap) and not (cap.per == "window" and len(cap.amounts) == 1):
            yield f"caps.{number}", "one amount per day, per 24 hours or per row can be said"


def _of_part(part: _Part) -> Iterator[tuple[str, str]]:
    window = part.window
    if window is not None and frozenset(window.days) not in _DAYS:
        yield "days", "days are weekdays, holidays with weekends, or all"
    if window is not None and (window.not_days or window.ignore_up_to_min or window.days_later not in {None, 0, 1}):
        yield "window", "not_days, ignore_up_to_min and windows of several days cannot be said"
    for number, step in enumerate(_steps(part.charge)):
        if step.rounding not in _ROUNDING or step.counts_after_min is not None:
            yield f"steps.{number}.rounding", "units are rounded up or down"
        if step.prorate_min is not None:
            yield f"steps.{number}.prorate_min", "a unit cannot be charged in parts"
