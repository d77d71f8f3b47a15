"""From what a meter counted to the lines of the bill; the sum of their amounts is the total. Pure."""

from collections.abc import Iterator, Sequence
from typing import cast

from billing.tariffs.caps import CapState
from billing.tariffs.fee import Line, LineKind
from billing.tariffs.meter import Due
from billing.tariffs.plan import Plan
from billing.tariffs.plan_meter import Reading
from billing.tariffs.reductions import Granted, changes
from billing.tariffs.stay import Stay
from billing.tariffs.tariff import TariffVersion
from billing.tariffs.timeline import COVERED


def bill(
    plan: Plan,
    reading: Reading,
    *,
    stay: Stay,
    at: int,
    version: TariffVersion,
    amount: int,
    grants: Sequence[Granted],
    worth: Sequence[int],
) -> tuple[Line, ...]:
    """In the order in which they are told: time, caps, surcharge, concessions, tax and rounding."""
    lines = list(_time(plan, reading, stay, at))
    for number, cap in enumerate(reading.caps):
        if cap.cuts:
            lines += _cuts(plan, number, cap)
    surcharge = amount - reading.meter.total
    if surcharge and plan.max_stay is not None:
        lines.append(
            Line(kind="surcharge", amount=surcharge, begins_s=stay.entry, ends_s=at, unit_s=plan.max_stay.minutes * 60)
        )
    if grants or version.total.tax_ppm or version.total.round_to > 1 or version.total.least:
        for one in grants:
            lines += _before(one, stay, at)
        for change in changes(amount, grants, version.total, worth):
            rule = change.granted.rule if change.granted else None
            lines.append(
                Line(
                    kind=cast(LineKind, change.kind),
                    amount=change.amount,
                    begins_s=stay.entry,
                    ends_s=at,
                    name=rule.name if rule else None,
                    units=rule.percent_off if rule else 0,
                    unit_s=(rule.free_min or 0) * 60 if rule else 0,
                    price=change.price,
                )
            )
    return tuple(lines)


def _time(plan: Plan, reading: Reading, stay: Stay, at: int) -> Iterator[Line]:
    if reading.begins > stay.entry:
        yield Line(kind="covered", amount=0, begins_s=stay.entry, ends_s=min(reading.begins, at))
    free = reading.free
    if free.now and at > reading.begins:
        until = min(at, reading.begins + free.now)
        if not free.floor or until == at:
            yield Line(kind="free_time", amount=0, begins_s=reading.begins, ends_s=until, unit_s=free.now)
    last: Line | None = None
    for due in reading.meter.dues:
        line = _line(plan, due, at, reading.percent)
        if last is not None and _continues(last, line):
            last = _joined(last, line)
            continue
        if last is not None:
            yield last
        last = line
    if last is not None:
        yield last


def _line(plan: Plan, due: Due, at: int, percent: int) -> Line:
    """The price is the tariff's own; a percentage that comes before the caps is told on a line of its own."""
    run = due.run
    window = plan.windows[run.piece.window] if plan.windows and run.piece.window >= 0 else None
    name = window.name if window else None
    ends = run.begins + due.units * run.unit
    price, parts = (run.amount, run.parts) if percent == 100 else (run.amount // max(percent, 1), run.parts // 100)
    if run.amount == 0:
        kind: LineKind = "covered" if run.piece.window == COVERED else "not_charged"
        return Line(kind=kind, amount=0, begins_s=run.begins, ends_s=min(ends, at), name=name)
    if run.flat:
        return Line(kind="flat", amount=due.amount, begins_s=run.begins, ends_s=min(ends, at), name=name, price=price)
    return Line(
        kind="units",
        amount=due.amount,
        begins_s=run.begins,
        ends_s=ends,
        name=name,
        units=due.units,
        unit_s=run.unit,
        clock_s=run.clock,
        price=price,
        parts=parts,
    )


def _continues(last: Line, line: Line) -> bool:
    return (
        last.kind == line.kind
        and last.ends_s == line.begins_s
        and last.name is line.name
        and last.unit_s == line.unit_s
        and last.price == line.price
        and last.parts == line.parts
        and line.kind != "flat"
    )


def _joined(last: Line, line: Line) -> Line:
    return Line(
        kind=last.kind,
        amount=last.amount + line.amount,
        begins_s=last.begins_s,
        ends_s=line.ends_s,
        name=last.name,
        units=last.units + line.units,
        unit_s=last.unit_s,
        clock_s=last.clock_s,
        price=last.price,
        parts=last.parts,
    )


def _cuts(plan: Plan, number: int, cap: CapState) -> Iterator[Line]:
    rule, said = cap.rule, plan.caps[number]
    for period, cut in cap.cuts.items():
        yield Line(
            kind="cap",
            amount=-cut,
            begins_s=period.begins,
            ends_s=period.ends,
            name=said.name,
            unit_s=rule.seconds,
            price=rule.amounts[min(period.number, len(rule.amounts) - 1)],
            per=rule.per,
        )


def _before(one: Granted, stay: Stay, at: int) -> Iterator[Line]:
    """Concessions that worked before the sum: minutes at the start or end, percent of units."""
    rule = one.rule
    if rule.free_min is not None and rule.free_from != "worth":
        yield Line(
            kind="minutes", amount=0, begins_s=stay.entry, ends_s=at, name=rule.name,
            unit_s=rule.free_min * one.uses * 60,
        )  # fmt: skip
    if rule.percent_off and rule.percent_of == "units":
        yield Line(kind="percent", amount=0, begins_s=stay.entry, ends_s=at, name=rule.name, units=rule.percent_off)
