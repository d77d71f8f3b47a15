"""How a car park of the inventory is measured: which slot has a sensor, which counter counts it, which lanes see. Pure.

A slot is a space, numbered or not. Slots of one zone lie together, the numbered ones first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulators.operator_api import CarParkHeld


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the slots `first` to `until` (without it); `zone` None counts the whole car park."""

    zone: str | None
    capacity: int
    first: int
    until: int


@dataclass(frozen=True, slots=True)
class Layout:
    """`sensors[i]` is the label of the sensor on slot i, None where there is none.

    `entries` and `exits` are lanes that count what is inside; `gates_in` and `gates_out` are all that see who passes.
    """

    slots: int
    sensors: Sequence[str | None]
    counters: Sequence[Counter]
    entries: Sequence[str] = ()
    exits: Sequence[str] = ()
    gates_in: Sequence[str] = ("E1",)
    gates_out: Sequence[str] = ("X1",)


@dataclass(frozen=True, slots=True)
class _Stretch:
    zone: str
    capacity: int
    labels: Sequence[str]


def layout_of(held: CarParkHeld) -> Layout:
    """By the registry's `measured_by`; `auto`, and what cannot be as declared, by what there is."""
    entries = [lane.lane for lane in held.lanes if lane.direction in ("entry", "both")]
    exits = [lane.lane for lane in held.lanes if lane.direction in ("exit", "both")]
    measured = _measured(held, entries, exits)
    return replace(measured, gates_in=entries or measured.gates_in, gates_out=exits or measured.gates_out)


def _measured(held: CarParkHeld, entries: Sequence[str], exits: Sequence[str]) -> Layout:
    stretches = _stretches(held)
    numbered = sum(len(stretch.labels) for stretch in stretches)
    measured_by = held.measured_by
    if measured_by == "auto":
        measured_by = "spaces" if numbered else "counts"
    if measured_by == "spaces" and numbered:
        labels = [label for stretch in stretches for label in stretch.labels]
        return Layout(len(labels), labels, ())
    if measured_by == "mixed" and numbered:
        return _mixed(stretches)
    slots = sum(stretch.capacity for stretch in stretches)
    whole = Counter(None, slots, 0, slots)
    if measured_by == "passages" and entries and exits:
        return Layout(slots, [None] * slots, [whole], entries, exits)
    zoned = [counter for counter in _counters(stretches) if counter.zone is not None]
    covered = sum(counter.capacity for counter in zoned) == slots and slots > 0
    return Layout(slots, [None] * slots, zoned if covered else [whole])


def _stretches(held: CarParkHeld) -> list[_Stretch]:
    found = [
        _Stretch(zone.zone, max(zone.capacity, len(labels)), labels)
        for zone in held.zones
        for labels in [held.spaces.get(zone.zone, [])]
    ]
    known = {zone.zone for zone in held.zones}
    loose = [label for zone, labels in held.spaces.items() if zone not in known for label in labels]
    rest = max(held.capacity - sum(stretch.capacity for stretch in found), len(loose))
    return [*found, _Stretch("", rest, loose)] if rest else found


def _counters(stretches: Sequence[_Stretch]) -> list[Counter]:
    counters, first = [], 0
    for stretch in stretches:
        counters.append(Counter(stretch.zone or None, stretch.capacity, first, first + stretch.capacity))
        first += stretch.capacity
    return counters


def _mixed(stretches: Sequence[_Stretch]) -> Layout:
    """Sensors in every other zone and counters in the rest; in the first zone both, which must agree."""
    sensors: list[str | None] = []
    counters: list[Counter] = []
    for number, (stretch, counter) in enumerate(zip(stretches, _counters(stretches), strict=True)):
        sensed = number % 2 == 0 or counter.zone is None
        sensors += [*(stretch.labels if sensed else ()), *[None] * (stretch.capacity - sensed * len(stretch.labels))]
        if counter.zone is not None and (number == 0 or not sensed):
            counters.append(counter)
    return Layout(len(sensors), sensors, counters)
