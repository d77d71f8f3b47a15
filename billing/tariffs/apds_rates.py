"""A tariff as rate tables of the Alliance for Parking Data Standards (ISO/TS 5206-1), and what they cannot say. Pure.

One table a plan, one collection of lines a window; values are decimals of the currency as the standard has them.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

from billing.tariffs.charge import Charge, Flat, Nothing, Step, Totals
from billing.tariffs.days import WEEKDAYS
from billing.tariffs.plan import Cap, Plan, Window
from billing.tariffs.tariff import TariffVersion
from billing.tariffs.words import Text, Unsaid

_NAMES: Final = dict(
    zip(WEEKDAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True)
)
_WORDS: Final = {"all": WEEKDAYS, "workday": WEEKDAYS[:5], "weekend": WEEKDAYS[5:], **{day: (day,) for day in WEEKDAYS}}


class RateTables(NamedTuple):
    """The tables as JSON, and what they leave out."""

    tables: list[dict[str, Any]]
    unsaid: tuple[Unsaid, ...]


def apds_rates(version: TariffVersion, *, table_id: str, table_version: int = 1) -> RateTables:
    """`table_id` is followed by the plan's id, so that each table keeps its own."""
    tables = [_table(version, plan, f"{table_id}-{plan.id}", table_version) for plan in version.plans]
    return RateTables(tables, tuple(_unsaid(version)))


def _table(version: TariffVersion, plan: Plan, table_id: str, table_version: int) -> dict[str, Any]:
    table: dict[str, Any] = {
        "id": table_id,
        "version": table_version,
        "rateTableName": _said(plan.name or version.name),
        "rateLineCollections": [
            _collection(version, plan, number, window, charge) for number, (window, charge) in enumerate(_charges(plan))
        ],
    }
    if version.valid_from is not None:
        table["validityStart"] = version.valid_from.isoformat()
    if version.valid_until is not None:
        table["validityEnd"] = version.valid_until.isoformat()
    return table


def _charges(plan: Plan) -> Iterator[tuple[Window | None, Charge]]:
    if plan.charge is not None:
        yield None, plan.charge
    for window in plan.windows:
        yield window, window.charge


def _collection(
    version: TariffVersion, plan: Plan, number: int, window: Window | None, charge: Charge
) -> dict[str, Any]:
    lines = list(_lines(version, plan, charge))
    collection: dict[str, Any] = {
        "collectionSequence": number,
        "applicableCurrency": version.currency,
        "relativeTimes": False,
        "taxIncluded": not version.total.tax_ppm,
        "rateLines": [{"sequence": sequence, **line} for sequence, line in enumerate(lines)],
    }
    if version.total.tax_ppm:
        collection["taxRate"] = version.total.tax_ppm / 10_000
    if plan.least_min is not None:
        collection["minTime"] = _period(plan.least_min)
    if plan.max_stay is not None:
        collection["maxTime"] = _period(plan.max_stay.minutes)
    most = next((cap.amounts[0] for cap in plan.caps if _is_said(cap, window)), None)
    if most is not None:
        collection["maxValueCollection"] = _value(version, most)
    if any(cap.per == "day" and _is_said(cap, window) for cap in plan.caps) or plan.restart == "day":
        collection["resetTime"] = plan.day_starts
    if window is not None:
        days = [_NAMES[day] for word in window.days for day in _WORDS.get(word, ())]
        collection["validity"] = {
            "validPeriods": [
                {
                    "periodName": _said(window.name or Text(zh=window.id, en=window.id)),
                    "recurringDayWeekMonthPeriod": {"applicableDay": list(dict.fromkeys(days))},
                    "recurringTimePeriodOfDay": {
                        "startTimeOfPeriod": f"{window.from_time}:00",
                        "endTimeOfPeriod": f"{window.until_time}:00",
                    },
                }
            ]
        }
    return collection


def _lines(version: TariffVersion, plan: Plan, charge: Charge) -> Iterator[dict[str, Any]]:
    if plan.free is not None:
        said = {"description": {"zh": "免费时长", "en": "free time"}, "durationEnd": _period(plan.free.minutes)}
        yield {"rateLineType": "flatRate", "value": 0.0, "durationStart": "PT0M", **said}
    if isinstance(charge, Flat | Nothing):
        yield {"rateLineType": "flatRate", "value": _value(version, charge.amount if isinstance(charge, Flat) else 0)}
        return
    begins = 0
    for step in charge.steps() if isinstance(charge, Totals) else charge.steps:
        yield _line(version, step, begins)
        begins = step.until_min or begins


def _line(version: TariffVersion, step: Step, begins: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "rateLineType": "incrementingRate",
        "value": _value(version, step.amount),
        "incrementPeriod": _period(step.unit_min),
        "durationStart": _period(begins),
    }
    if step.until_min is not None:
        line["durationEnd"] = _period(step.until_min)
    return line


def _is_said(cap: Cap, window: Window | None) -> bool:
    """A cap of one amount, a day, 24 hours or a window, on this window alone or on a plan without windows."""
    if len(cap.amounts) != 1 or cap.after_last != "repeat":
        return False
    if cap.per in {"week", "stay"} or (cap.per == "hours" and cap.hours != 24):
        return False
    return window is None or (cap.windows is not None and cap.windows == (window.id,))


def _unsaid(version: TariffVersion) -> Iterator[Unsaid]:
    for number, plan in enumerate(version.plans):
        place = f"plans.{number}"
        for field in plan.when.model_dump(exclude_none=True):
            yield Unsaid(field=f"{place}.when.{field}", why="a rate line has no conditions on the stay or the vehicle")
        if plan.restart == "24h":
            yield Unsaid(field=f"{place}.restart", why="a rate begins again by the calendar only")
        if plan.clock != "stay":
            yield Unsaid(field=f"{place}.clock", why="times are told from the beginning of the stay")
        if plan.boundary is not None:
            yield Unsaid(field=f"{place}.boundary", why="what becomes of a unit at a boundary is not said")
        if plan.free is not None and (plan.free.charge_from == "entry" or plan.free.repeat != "entry"):
            yield Unsaid(field=f"{place}.free", why="free time is a line at the beginning, once per entry")
        if plan.max_stay is not None and plan.max_stay.surcharge:
            yield Unsaid(field=f"{place}.max_stay.surcharge", why="there is no surcharge beyond the longest stay")
        for index, cap in enumerate(plan.caps):
            if not any(_is_said(cap, window) for window in plan.windows or (None,)):
                yield Unsaid(field=f"{place}.caps.{index}", why="a collection has one amount at most, of its own lines")
        for index, (window, charge) in enumerate(_charges(plan)):
            if window is not None and set(window.days) - set(_WORDS):
                yield Unsaid(field=f"{place}.windows.{index}.days", why="days are days of the week")
            steps = () if isinstance(charge, Flat | Nothing | Totals) else charge.steps
            if window is not None and (window.not_days or window.ignore_up_to_min):
                yield Unsaid(field=f"{place}.windows.{index}", why="not_days and ignore_up_to_min cannot be said")
            if any(step.prorate_min is not None for step in steps):
                yield Unsaid(field=f"{place}.windows.{index}.charge", why="a unit cannot be charged in parts")
            if any(step.rounding != "up" or step.counts_after_min is not None for step in steps):
                yield Unsaid(field=f"{place}.windows.{index}.charge", why="a begun increment is charged in full")
    if version.choose == "cheapest" and len(version.plans) > 1:
        yield Unsaid(field="choose", why="there is no cheapest of several tables")
    if version.concessions:
        yield Unsaid(field="concessions", why="they are rights of their own, not rates")
    if version.lost_ticket is not None:
        yield Unsaid(field="lost_ticket", why="there is no charge for a lost ticket")
    if version.total.round_to > 1 or version.total.least:
        yield Unsaid(field="total", why="there is no rounding of the sum and no least charge")


def _period(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return f"PT{hours}H"
    return f"PT{hours}H{rest}M" if hours else f"PT{rest}M"


def _value(version: TariffVersion, amount: int) -> float:
    """The standard's decimals; the only place where an amount is not whole minor units, and never summed."""
    return float(Decimal(amount).scaleb(-version.minor_digits))


def _said(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
