"""Whether a counter or the lanes of a car park have drifted, judged by its nights. Pure.

Every car that is missed at the entry or counted twice stays in the sum for ever. It shows at night, between two and
five, when hardly anybody comes or goes:

- **sensors**: where (nearly) every space has a sensor, counter and sensors should agree. They differ by the same sign
  on `NIGHTS_SENSED_MIN` nights; the correction is the median of the differences.
- **below zero**: more cars left through the lanes than ever came. The correction is what is missing to nothing.
- **night minimum**: the smallest count of a night is the base of those who stay for long, and that does not grow from
  night to night. When the minima of at least `NIGHTS_MIN` nights rise (or fall) steadily, the counter does it. The
  correction is the rise from the first third of the nights to the last. Where the counter tells its entries and exits,
  and these do not add up by as much, the case is proven and fewer nights do.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from msgspec import Struct

from contracts.ids import CarParkId

Measure = Literal["counts", "passages"]
Basis = Literal["sensors", "night_minimum", "below_zero"]

NIGHTS_LOOKED_AT: Final = 14
"""Two weeks: what is older may have been another routine."""
NIGHTS_SENSED_MIN: Final = 3
NIGHTS_MIN: Final = 6
NIGHTS_MIN_PROVEN: Final = 4
CARS_MIN: Final = 2
SHARE_MIN: Final = 0.02
"""Fewer cars than this share of the capacity are no reason to ask a person."""
STEADY_SHARE: Final = 0.75
"""Of the steps from night to night so many must go the same way, or nowhere."""
PROVEN_WITHIN: Final = 0.34
"""Entries minus exits agree with the rise when they differ by no more than this share of it."""

WRAPS_AT: Final = (2**16, 2**32)
WRAP_STEP_MAX: Final = 5_000
"""A total that fell back has wrapped if so many vehicles at most passed meanwhile; else the counter began anew."""


class Counter(Struct, frozen=True):
    """What is judged: a counter's zone, "" the whole car park, or (`measure` passages) the lanes."""

    car_park: CarParkId
    measure: Measure
    zone: str


class Night(Struct, frozen=True):
    """The quietest moment of a night. `sensed` None: the sensors do not know; totals None: the counter has none."""

    night: date
    at: datetime
    counted: int
    capacity: int
    sensed: int | None = None
    entered: int | None = None
    left: int | None = None


class Drift(Struct, frozen=True):
    """What to add to the counter's word, and why."""

    correction: int
    basis: Basis
    nights: Sequence[Night]
    in_minus_out: int | None = None
    """Entries minus exits from the first of these nights to the last, by the counter's totals."""


def judge(nights: Sequence[Night]) -> Drift | None:
    """The drift that `nights` (in their order) show, None when there is none worth a question."""
    looked_at = nights[-NIGHTS_LOOKED_AT:]
    return _by_sensors(looked_at) or _below_zero(looked_at) or _by_minimum(looked_at)


def total_step(before: int, after: int) -> int:
    """How far a running total went from `before` to `after`, over a wrap or a new beginning."""
    if after >= before:
        return after - before
    for size in WRAPS_AT:
        if before < size and after + size - before <= WRAP_STEP_MAX:
            return after + size - before
    return after


def _by_sensors(nights: Sequence[Night]) -> Drift | None:
    sensed = [night for night in nights if night.sensed is not None]
    if len(sensed) < NIGHTS_SENSED_MIN:
        return None
    differences = [night.counted - (night.sensed or 0) for night in sensed]
    middle = round(median(differences))
    same_sign = all(difference * middle > 0 for difference in differences)
    if not same_sign or not _is_worth_it(middle, sensed[-1].capacity):
        return None
    return Drift(-middle, "sensors", sensed, _in_minus_out(sensed))


def _below_zero(nights: Sequence[Night]) -> Drift | None:
    if not nights or nights[-1].counted >= 0 or not _is_worth_it(nights[-1].counted, nights[-1].capacity):
        return None
    return Drift(-nights[-1].counted, "below_zero", nights[-1:])


def _by_minimum(nights: Sequence[Night]) -> Drift | None:
    if any(night.sensed is not None for night in nights) or len(nights) < NIGHTS_MIN_PROVEN:
        return None
    counted = [night.counted for night in nights]
    third = max(1, len(counted) // 3)
    rise = round(median(counted[-third:]) - median(counted[:third]))
    if not _is_worth_it(rise, nights[-1].capacity):
        return None
    steps = [after - before for before, after in pairwise(counted)]
    steady = sum(1 for step in steps if step * rise >= 0) >= STEADY_SHARE * len(steps)
    net = _in_minus_out(nights)
    whole = counted[-1] - counted[0]
    proven = net is not None and abs(net - whole) <= PROVEN_WITHIN * abs(whole)
    if not steady or len(nights) < (NIGHTS_MIN_PROVEN if proven else NIGHTS_MIN):
        return None
    return Drift(-rise, "night_minimum", nights, net)


def _in_minus_out(nights: Sequence[Night]) -> int | None:
    net = 0
    for before, after in pairwise(nights):
        if before.entered is None or before.left is None or after.entered is None or after.left is None:
            return None
        net += total_step(before.entered, after.entered) - total_step(before.left, after.left)
    return net if len(nights) > 1 else None


def _is_worth_it(cars: int, capacity: int) -> bool:
    return abs(cars) >= max(CARS_MIN, SHARE_MIN * capacity)
