"""Which numbers of a stream of words are missing. Pure.

A sensor numbers its words one by one within an epoch (one boot), and so does a counter. A number that is left out was
lost between the device and us, and with it perhaps the last word of other spaces, so that a gap is a reason to ask
for a snapshot (`occupancy.resync`). What is no gap: a new epoch, a start from 0 or 1 within the same one (a device that
does not name its boots), and a number that wraps at 16 or 32 bits. Numbers that come late close their gap.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from contracts.facts import CountSeen, SpaceSeen
from contracts.ids import CarParkId
from occupancy.compare import SpaceOrder
from occupancy.sources import Measures

WRAPS_AT: Final = (2**16, 2**32)
"""LoRaWAN frame counters and most devices' own are this wide."""
WRAP_LOSS_MAX: Final = 1_024
"""A number falls back by a wrap when this many words at most were lost around it; else the device began anew."""
FIRST_SEQ_MAX: Final = 1
"""Devices begin to count at 0 or at 1."""

Range = tuple[int, int]
"""Both ends included."""


class Source(NamedTuple):
    """Who numbers: a space's sensor in one epoch, or (`space` None) the counter of `zone`."""

    car_park: CarParkId
    space: int | None
    zone: str | None
    epoch: str


class Word(NamedTuple):
    """A numbered word."""

    source: Source
    seq: int
    received_at: datetime


class Gap(Struct, frozen=True):
    """Numbers from `from_seq` to `to_seq` of which `missing` never came.

    The word before them was told at `after`, the one behind them received at `shown`.
    """

    source: Source
    from_seq: int
    to_seq: int
    after: datetime
    shown: datetime
    missing: Sequence[Range]


class Numbering(Struct):
    """What a batch says about numbers: gaps it shows, numbers that came out of their order (they may close a gap), and
    those of them that lie ahead of the state.
    """

    gaps: list[Gap] = field(default_factory=list)
    arrived: defaultdict[Source, set[int]] = field(default_factory=lambda: defaultdict(set))
    ahead: defaultdict[Source, set[int]] = field(default_factory=lambda: defaultdict(set))
    words: Counter[CarParkId] = field(default_factory=Counter)
    """How many numbered words there were of spaces that had spoken before, by car park."""


def read_numbers(
    spaces: Sequence[SpaceSeen],
    counts: Sequence[CountSeen],
    orders: Mapping[int, SpaceOrder],
    measures: Mapping[CarParkId, Measures],
) -> Numbering:
    """What the numbers of facts that are no repeats show; `orders` and `measures` as they stood before these."""
    found = Numbering()
    found.words.update([fact.car_park for fact in spaces if fact.seq >= 0 and fact.space in orders])
    newest: dict[int, SpaceOrder] = {}
    for fact in spaces:
        space = fact.space
        order = (fact.at, fact.epoch, fact.seq, fact.state)
        known = newest.get(space) or orders.get(space)
        if known is None:
            newest[space] = order
            continue
        newer = order > known
        if newer:
            newest[space] = order
            if fact.epoch == known[1] and 0 <= fact.seq - known[2] <= 1:
                continue
        if fact.seq >= 0:
            source = Source(fact.car_park, space, None, fact.epoch)
            _heed(found, Word(source, fact.seq, fact.received_at), known[:3], newer=newer)
    counted: dict[tuple[CarParkId, str], tuple[datetime, str, int]] = {}
    for count in counts:
        where = (count.car_park, count.zone)
        told = (count.at, count.epoch, count.seq)
        before = counted.get(where) or _count_told(measures, *where)
        if before is None or told > before:
            counted[where] = told
        if before is not None and count.seq >= 0:
            source = Source(count.car_park, None, count.zone, count.epoch)
            _heed(found, Word(source, count.seq, count.received_at), before, newer=told > before)
    found.gaps = without_numbers(found.gaps, found.arrived)
    return found


def without_numbers(gaps: Iterable[Gap], came: Mapping[Source, Collection[int]]) -> list[Gap]:
    """`gaps` without the numbers that `came`; one of which all came is none."""
    left: list[Gap] = []
    for gap in gaps:
        missing = _without(gap.missing, came.get(gap.source, ()))
        if missing:
            left.append(replace(gap, missing=missing))
    return left


def wrap_of(before: int, after: int) -> int | None:
    """Where a number that fell back from `before` to `after` wrapped around; None when it did not."""
    for size in WRAPS_AT:
        if before < size and 0 < after + size - before <= WRAP_LOSS_MAX:
            return size
    return None


def _heed(found: Numbering, word: Word, known: tuple[datetime, str, int], *, newer: bool) -> None:
    """`word` came while `known` was the state of its source."""
    source, seq, shown = word
    after, epoch, last = known
    if epoch != source.epoch or last < 0:
        if not newer:
            found.arrived[source].add(seq)
        return
    if newer and seq > last:
        if seq > last + 1:
            found.gaps.append(Gap(source, last + 1, seq - 1, after, shown, ((last + 1, seq - 1),)))
    elif newer and seq < last:
        size = wrap_of(last, seq)
        if size is not None:
            for begin, end in ((last + 1, size - 1), (0, seq - 1)):
                if begin <= end:
                    found.gaps.append(Gap(source, begin, end, after, shown, ((begin, end),)))
        elif seq > FIRST_SEQ_MAX:  # its clock was put forward and back: the greater number is not lost
            found.arrived[source].add(seq)
            found.ahead[source].add(last)
    elif not newer:
        found.arrived[source].add(seq)
        if seq > last and wrap_of(seq, last) is None:
            found.ahead[source].add(seq)


def _count_told(
    measures: Mapping[CarParkId, Measures], car_park: CarParkId, zone: str
) -> tuple[datetime, str, int] | None:
    known = measures[car_park].counts.get(zone)
    return None if known is None else (known.at, known.epoch, known.seq)


def _without(ranges: Sequence[Range], numbers: Collection[int]) -> Sequence[Range]:
    left = ranges
    for number in numbers:
        if any(begin <= number <= end for begin, end in left):
            left = tuple(part for whole in left for part in _cut(whole, number))
    return left


def _cut(whole: Range, number: int) -> Iterable[Range]:
    begin, end = whole
    if not begin <= number <= end:
        return (whole,)
    return tuple(part for part in ((begin, number - 1), (number + 1, end)) if part[0] <= part[1])
