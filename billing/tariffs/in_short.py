"""A tariff in a sentence, as a board at the gate says it: what most vehicles pay. Pure.

Short and never wrong rather than whole: where there is more to it, it says so, and the document has it all.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from billing.tariffs.charge import Charge, Flat, Nothing, Step, Totals, Units
from billing.tariffs.plan import Cap, Condition, Plan, Window
from billing.tariffs.tariff import TariffVersion
from billing.tariffs.words import seconds_of

_DAYS: Final = {
    "workday": ("工作日", "workdays"),
    "weekend": ("周末", "weekends"),
    "holiday": ("节假日", "holidays"),
    "statutory": ("法定节假日", "statutory holidays"),
}
_RESTARTS: Final = {"day": ("每日", "a day"), "24h": ("每24小时", "per 24 h")}
_CAPS: Final = {
    "day": ("每日封顶", "a day"),
    "week": ("每周封顶", "a week"),
    "stay": ("单次封顶", "a visit"),
    "window": ("每时段封顶", "a window"),
}


class Said(NamedTuple):
    """In both languages."""

    zh: str
    en: str


def in_short(version: TariffVersion) -> Said:
    """`前30分钟免费，之后每小时4元，24小时封顶50元`, `30 min free, 4 yuan an hour, at most 50 yuan in 24 h`."""
    plan = _usual(version.plans)
    parts = list(_parts(plan, version.minor_digits))
    if len(version.plans) > 1 or plan.when != Condition():
        parts.append(Said("部分车辆或时段另有规定", "other prices for some vehicles or times"))
    return _joined(parts)


def _joined(parts: Sequence[Said]) -> Said:
    return Said("，".join(part.zh for part in parts), ", ".join(part.en for part in parts))


def _usual(plans: Sequence[Plan]) -> Plan:
    """The first one for everybody, or else for small vehicles, or else the last."""
    for plan in plans:
        if plan.when == Condition():
            return plan
    for plan in plans:
        if plan.when.classes is not None and "small" in plan.when.classes:
            return plan
    return plans[-1]


def _parts(plan: Plan, digits: int) -> Iterator[Said]:
    if plan.free is not None:
        zh, en = _length(plan.free.minutes)
        yield (
            Said(f"前{zh}免费", f"{en} free")
            if plan.free.charge_from == "end_of_free"
            else Said(f"{zh}内免费", f"free up to {en}")
        )
    again = _RESTARTS.get(plan.restart)
    if isinstance(plan.charge, Flat):
        price = _money(plan.charge.amount, digits)
        zh, en = again or ("每次", "a visit")
        yield Said(f"{zh}{price.zh}", f"{price.en} {en}")
    elif plan.charge is not None:
        yield _charge(plan.charge, digits)
    for window in plan.windows:
        zh, en = _charge(window.charge, digits)
        when = _when(window)
        yield Said(f"{when.zh}{zh}", f"{when.en} {en}")
    if plan.windows and _leaves_gaps(plan.windows):
        yield Said("其他时间免费", "free at other times")
    if again is not None and not isinstance(plan.charge, Flat):
        yield Said(f"{again[0]}重新计费", "anew every day" if plan.restart == "day" else "anew every 24 h")
    for cap in plan.caps:
        yield _cap(cap, digits)


def _charge(charge: Charge, digits: int) -> Said:
    match charge:
        case Units(steps=steps):
            return _joined([_step(charge, number, digits) for number in range(len(steps))])
        case Totals(bands=bands):
            told = [(_length(band.until_min), _money(band.total, digits)) for band in bands]
            parts = [Said(f"{length[0]}内{price.zh}", f"{price.en} up to {length[1]}") for length, price in told]
            if charge.beyond is not None:
                each = _each(charge.beyond, digits)
                parts.append(Said(f"之后{each.zh}", f"then {each.en}"))
            return _joined(parts)
        case Flat(amount=amount):
            price = _money(amount, digits)
            return Said(f"每次{price.zh}", f"{price.en} each time")
        case Nothing():
            return Said("免费", "free")


def _step(charge: Units, number: int, digits: int) -> Said:
    """The first hour, what follows, each tier."""
    step, is_last = charge.steps[number], number == len(charge.steps) - 1
    price, unit = _money(step.amount, digits), _length(step.unit_min)
    begins = charge.steps[number - 1].until_min or 0 if number else 0
    if not is_last and step.until_min is not None and step.until_min - begins == step.unit_min and number == 0:
        first = ("首小时", "the first hour") if step.unit_min == 60 else (f"首{unit[0]}", f"the first {unit[1]}")
        return Said(f"{first[0]}{price.zh}", f"{price.en} for {first[1]}")
    zh, en = _each(step, digits)
    if not is_last and step.until_min is not None:
        until = _length(step.until_min)
        zh, en = f"{until[0]}内{zh}", f"{en} up to {until[1]}"
    return Said(f"之后{zh}", f"then {en}") if number else Said(zh, en)


def _each(step: Step, digits: int) -> Said:
    if step.amount == 0:
        return Said("免费", "free")
    price, unit = _money(step.amount, digits), _length(step.unit_min)
    if step.unit_min == 60:
        return Said(f"每小时{price.zh}", f"{price.en} an hour")
    return Said(f"每{unit[0]}{price.zh}", f"{price.en} per {unit[1]}")


def _when(window: Window) -> Said:
    hours = f"{window.from_time}至{window.until_time}", f"{window.from_time} to {window.until_time}"
    if seconds_of(window.until_time) - seconds_of(window.from_time) == 86_400:
        hours = "", ""
    if window.name is not None:
        named = (window.name.zh, window.name.en)
    elif window.days == ("all",):
        named = ("", "")
    else:
        told = [_DAYS.get(day, (day, day)) for day in window.days]
        named = ("、".join(zh for zh, _ in told), " and ".join(en for _, en in told))
    return Said(f"{named[0]}{hours[0]}", " ".join(filter(None, (named[1], hours[1]))) or "at any time")


def _leaves_gaps(windows: Sequence[Window]) -> bool:
    """Whether some time of some day lies in none of them; windows of certain days only are taken as they are."""
    covered = [False] * 1440
    for window in windows:
        if window.days == ("all",) and window.not_days is None:
            begins, ends = seconds_of(window.from_time) // 60, seconds_of(window.until_time) // 60
            span = ends - begins + 1440 * window.ends_days_later
            for minute in range(begins, begins + min(span, 1440)):
                covered[minute % 1440] = True
    return not all(covered) and all(window.days == ("all",) for window in windows)


def _cap(cap: Cap, digits: int) -> Said:
    if cap.per == "hours":
        zh, en = f"{cap.hours}小时封顶", f"in {cap.hours} h"
    else:
        zh, en = _CAPS[cap.per]
    if cap.counts_as is not None:
        length = _length(cap.counts_as.minutes)
        return Said(f"{zh}按{length[0]}计费", f"at most the price of {length[1]} {en}")
    prices = [_money(amount, digits) for amount in cap.amounts]
    told = Said(f"{zh}{prices[0].zh}", f"at most {prices[0].en} {en}")
    for price in prices[1:]:
        told = Said(f"{told.zh}，之后{price.zh}", f"{told.en}, then {price.en}")
    return told


def _money(amount: int, digits: int) -> Said:
    """`500` -> `5元`, `150` -> `1.5 yuan`."""
    whole, rest = divmod(amount, 10**digits)
    said = f"{whole}.{rest:0{digits}d}".rstrip("0") if rest else str(whole)
    return Said(f"{said}元", f"{said} yuan")


def _length(minutes: int) -> tuple[str, str]:
    if minutes % 60 == 0 and minutes > 60:
        return f"{minutes // 60}小时", f"{minutes // 60} h"
    return (f"{minutes}分钟", f"{minutes} min") if minutes != 60 else ("1小时", "1 h")
