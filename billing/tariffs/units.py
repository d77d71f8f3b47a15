"""Time becomes units: a plan is laid out from the moment charging begins as runs of equal units, in order. Pure.

A run is what a line of the bill says: so many units of such a length from then on. Runs are made lazily and without
end, so that the same walk gives the fee and the moment at which it next rises. Seconds throughout.

**Invariant**: runs come in the order of time, and each unit falls due before any unit of a later run.
"""

from typing import Final, Literal, NamedTuple

from msgspec import Struct

from billing.tariffs.charge import Charge, Flat, Nothing, Step, Totals
from billing.tariffs.timeline import FOREVER, Piece

Fraction = Literal["down", "up", "nearest"]
ENDLESS: Final = FOREVER >> 1


class Rung(NamedTuple):
    """A step in seconds. A begun unit falls due when more than `after` seconds of it are used."""

    amount: int
    unit: int
    until: int
    after: int
    parts: int
    """The price is for so many of these units."""
    fraction: Fraction


class Ladder(NamedTuple):
    """A charge in seconds: rungs, or one flat amount, or neither (free)."""

    rungs: tuple[Rung, ...] = ()
    flat: int | None = None
    per_stay: bool = False
    after: int = 0
    ignore: int = 0


class Run(Struct, frozen=True, gc=False):
    """`units` units of `unit` seconds from `begins` on; unit i is due at begins + i * unit + after + 1, not before
    `gate` has passed. `amount` is the price of `parts` units."""

    begins: int
    unit: int
    units: int
    amount: int
    parts: int
    fraction: Fraction
    after: int
    gate: int
    piece: Piece
    clock: int
    flat: bool


def ladder_of(charge: Charge, ignore_s: int = 0) -> Ladder:
    """A charge as the engine walks it."""
    if isinstance(charge, Nothing):
        return Ladder(ignore=ignore_s)
    if isinstance(charge, Flat):
        return Ladder(
            flat=charge.amount, per_stay=charge.once == "stay", after=charge.counts_after_min * 60, ignore=ignore_s
        )
    steps = charge.steps() if isinstance(charge, Totals) else charge.steps
    return Ladder(rungs=tuple(_rung(step) for step in steps), ignore=ignore_s)


def price_of(charge: Charge, minutes: int) -> int:
    """What a stay of so many minutes costs by this charge alone, without windows or caps."""
    if isinstance(charge, Nothing):
        return 0
    if isinstance(charge, Flat):
        return charge.amount
    steps = charge.steps() if isinstance(charge, Totals) else charge.steps
    total = begins = 0
    for step in steps:
        rung = _rung(step)
        span = min(minutes * 60, rung.until) - begins
        if span <= 0:
            break
        total += price(rung.amount, rung.parts, rung.fraction, -(-span // rung.unit))
        begins = rung.until
    return total


def price(amount: int, parts: int, fraction: Fraction, count: int) -> int:
    """Of `count` units where `parts` of them cost `amount`."""
    if parts == 1:
        return amount * count
    if fraction == "down":
        return amount * count // parts
    if fraction == "up":
        return -(-amount * count // parts)
    return (2 * amount * count + parts) // (2 * parts)


def _rung(step: Step) -> Rung:
    unit = step.part_min * 60
    after = {"up": 0, "down": unit - 1, "half": unit // 2 - 1, "more_than_half": unit // 2}[step.rounding]
    if step.counts_after_min is not None:
        after = step.counts_after_min * 60
    until = FOREVER if step.until_min is None else step.until_min * 60
    return Rung(step.amount, unit, until, after, step.unit_min // step.part_min, step.fraction)
