"""A batch of accepted facts about one car park, in the time of the devices: what is true after it, and the curve. Pure.

An upload of a buffered hour arrives in order, in one batch or in several, and becomes the curve of that hour. What is
older than the last sample of its car park (another sensor was heard meanwhile) moves the numbers at that sample's time;
what a sensor told of the stretch before is added to the curve later (`occupancy.curve`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from operator import attrgetter
from typing import Final

from msgspec import Struct

from contracts.availability import Source
from contracts.facts import CountSeen
from occupancy.fusion import Policy, Truth, fuse
from occupancy.sources import Count, Measures, Place, SpaceSums


class SpaceMoved(Struct, frozen=True, gc=False):
    """A space went from `before` (None: never heard of) to `after`; `zone` "" where zones do not matter."""

    at: datetime
    before: str | None
    after: str
    zone: str


class Counted(Struct, frozen=True):
    """A counter's word; when it is not `newest` it moves nothing, yet one of the whole car park is history."""

    at: datetime
    zone: str
    count: Count
    newest: bool


class Passed(Struct, frozen=True, gc=False):
    """A vehicle came in (1) or went out (-1); 0 when the count that came after it has it already."""

    at: datetime
    step: int


Change = SpaceMoved | Counted | Passed
_at: Final = attrgetter("at")


class Sample(Struct, frozen=True, gc=False):
    """The numbers of a car park from `at` on."""

    at: datetime
    occupied: int
    capacity: int
    out_of_service: int
    source: Source


class Traced(Struct):
    """What a batch made of a car park."""

    truth: Truth | None
    samples: list[Sample]
    sampled_at: datetime | None


def trace(
    measures: Measures,
    place: Place,
    policy: Policy,
    changes: Iterable[Change],
    *,
    told: tuple[int, int, int] | None,
    sampled_at: datetime | None,
) -> Traced:
    """Apply `changes` to `measures` in the order of their time; `told` are the numbers of the last sample."""
    changes = list(changes)
    sensors = [change for change in changes if change.__class__ is SpaceMoved]
    if len(sensors) == len(changes) and _only_sensors_speak(measures):
        return _trace_sensors(measures, place, policy, sensors, told=told, sampled_at=sampled_at)
    moving: list[Change] = []
    late: list[Counted] = []
    for change in changes:
        if isinstance(change, Counted) and not change.newest:
            late.append(change)
        else:
            moving.append(change)
    moving.sort(key=_at)
    samples: list[Sample] = []
    truth = None if moving else fuse(measures, place, policy)
    for change, following in zip_longest(moving, moving[1:]):
        _apply(measures, change)
        counted = isinstance(change, Counted) and change.zone == ""
        if following is not None and following.at == change.at and not counted:
            continue
        truth = fuse(measures, place, policy)
        if truth is None:
            continue
        if counted and truth.whole_count:
            at = change.at
        elif truth.numbers != told:
            at = change.at if sampled_at is None else max(change.at, sampled_at)
        else:
            continue
        told = truth.numbers
        samples.append(Sample(at, *told, truth.source))
        sampled_at = at if sampled_at is None else max(at, sampled_at)
    if truth is not None and truth.whole_count:
        samples.extend(_late_samples(late, measures))
    return Traced(truth, samples, sampled_at)


def _only_sensors_speak(measures: Measures) -> bool:
    return not measures.counts and measures.zones is None and measures.passages.at is None


def _trace_sensors(
    measures: Measures,
    place: Place,
    policy: Policy,
    moving: Sequence[SpaceMoved],
    *,
    told: tuple[int, int, int] | None,
    sampled_at: datetime | None,
) -> Traced:
    """`trace` where nothing but sensors was ever heard, which is most of all events: there is nothing to choose, so
    the numbers follow the sums without asking `fuse` for each of them.
    """
    sums = measures.spaces
    moving = sorted(moving, key=_at)
    spaces = {
        "occupied": sums.occupied,
        "free": sums.free,
        "out_of_service": sums.out_of_service,
        "unknown": sums.unknown,
    }
    heard = sum(spaces.values())
    samples: list[Sample] = []
    last = len(moving) - 1
    for number, change in enumerate(moving):
        before, after, at = change.before, change.after, change.at
        if before is None:
            heard += 1
            spaces[after] += 1
        elif before != after:
            spaces[before] -= 1
            spaces[after] += 1
        if number < last and moving[number + 1].at == at:
            continue
        numbers = (spaces["occupied"], max(place.capacity, heard), spaces["out_of_service"] + spaces["unknown"])
        if numbers != told:
            told = numbers
            if sampled_at is None or at > sampled_at:
                sampled_at = at
            samples.append(Sample(sampled_at, *numbers, "spaces"))
    sums.occupied, sums.free = spaces["occupied"], spaces["free"]
    sums.out_of_service, sums.unknown = spaces["out_of_service"], spaces["unknown"]
    if moving and (sums.at is None or moving[-1].at > sums.at):
        sums.at = moving[-1].at
    return Traced(fuse(measures, place, policy), samples, sampled_at)


def _apply(measures: Measures, change: Change) -> None:
    match change:
        case SpaceMoved(at=at, before=before, after=after, zone=zone):
            measures.spaces.move(before, after, at)
            if zone and measures.zones is not None:
                measures.zones.setdefault(zone, SpaceSums()).move(before, after, at)
        case Counted(at=at, zone=zone, count=count):
            measures.counts[zone] = count
            if zone == "":
                measures.passages.base = count.occupied
                measures.passages.base_at = at
                measures.passages.net = 0  # those after `at` are counted again by whoever can look them up
        case Passed(at=at, step=step):
            measures.passages.net += step
            if measures.passages.at is None or at > measures.passages.at:
                measures.passages.at = at


def _late_samples(late: Sequence[Counted], measures: Measures) -> list[Sample]:
    counts = [change.count for change in late if change.zone == ""]
    return [
        Sample(count.at, measures.counted("", count), count.capacity, count.out_of_service, "counts")
        for count in counts
    ]


def count_of(fact: CountSeen) -> Count:
    """The counter's word without whose it is."""
    return Count(fact.occupied, fact.capacity, fact.at, fact.epoch, fact.seq, fact.out_of_service)
