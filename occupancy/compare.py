"""What of a batch moves the state, compared with what was known before it. Pure.

Facts are taken in arrival order: one that is older than the state it would change is late, whether the newer one came
in this batch or in an earlier one, so how a stream is cut into batches changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from contracts.facts import CountSeen, Fact, PassageSeen, SpaceSeen, StatusSeen, Tally
from contracts.ids import CarParkId
from occupancy.doubt import Doubts
from occupancy.sources import Measures
from occupancy.timeline import Change, Counted, Passed, SpaceMoved, count_of

SpaceOrder = tuple[datetime, str, int, str]
"""(at, epoch, seq, state): of two words about one space the greater is the truth."""


class Kept(Struct):
    """The facts that were not known before, in arrival order, and how many were, by car park.

    `states` are those that already are the state of their space.
    """

    spaces: Sequence[SpaceSeen]
    counts: Sequence[CountSeen]
    passages: Sequence[PassageSeen]
    statuses: Sequence[StatusSeen]
    duplicates: Counter[CarParkId]
    states: Mapping[int, SpaceSeen] = {}


class Moved(Struct):
    """What moves: the changes of each car park, the newest fact of each space and counter, tallies, late facts,
    and what changed the state of a space that had one.
    """

    changes: defaultdict[CarParkId, list[Change]]
    spaces: dict[int, SpaceSeen]
    counts: dict[tuple[CarParkId, str], CountSeen]
    tallies: defaultdict[CarParkId, Tally]
    late: list[Fact]
    flipped: list[SpaceSeen]

    def tally(self, fact: Fact, *, newer: bool) -> None:
        if newer:
            self.tallies[fact.car_park].stored += 1
        else:
            self.tallies[fact.car_park].late += 1
            self.late.append(fact)


def compare(
    kept: Kept,
    measures: Mapping[CarParkId, Measures],
    spaces: Mapping[int, SpaceOrder],
    zone_of: Mapping[int, str],
    doubts: Doubts,
) -> Moved:
    """What of `kept` moves. `spaces`: their order before the batch; `zone_of`: their zone where it matters."""
    moved = Moved(defaultdict(list), {}, {}, defaultdict(Tally), [], [])
    _compare_spaces(kept.spaces, spaces, zone_of, doubts, moved)
    _compare_counts(kept.counts, measures, moved)
    for passage in kept.passages:
        base_at = measures[passage.car_park].passages.base_at
        newer = base_at is None or passage.at > base_at
        step = 1 if passage.direction == "entry" else -1
        moved.changes[passage.car_park].append(Passed(passage.at, step if newer else 0))
        moved.tally(passage, newer=newer)
    for status in kept.statuses:
        moved.tally(status, newer=True)
    for car_park, number in kept.duplicates.items():
        moved.tallies[car_park].duplicate += number
    return moved


def _compare_spaces(
    facts: Sequence[SpaceSeen],
    spaces: Mapping[int, SpaceOrder],
    zone_of: Mapping[int, str],
    doubts: Doubts,
    moved: Moved,
) -> None:
    newest = dict(spaces)
    changes, tallies = moved.changes, moved.tallies
    for fact in facts:
        order = (fact.at, fact.epoch, fact.seq, fact.state)
        known = newest.get(fact.space)
        if known is not None and order <= known:
            tallies[fact.car_park].late += 1
            moved.late.append(fact)
            continue
        tallies[fact.car_park].stored += 1
        newest[fact.space] = order
        moved.spaces[fact.space] = fact
        before: str | None = None if known is None else known[3]
        after: str = fact.state
        if before is not None and before != after:
            moved.flipped.append(fact)
        if doubts:
            before, after = doubts.told(fact.space, before, after)
        changes[fact.car_park].append(SpaceMoved(fact.at, before, after, zone_of.get(fact.space, "")))


def _compare_counts(facts: Sequence[CountSeen], measures: Mapping[CarParkId, Measures], moved: Moved) -> None:
    newest = {(car_park, zone): count for car_park, known in measures.items() for zone, count in known.counts.items()}
    for fact in facts:
        where = (fact.car_park, fact.zone)
        count, known = count_of(fact), newest.get(where)
        newer = known is None or count.order > known.order
        moved.changes[fact.car_park].append(Counted(fact.at, fact.zone, count, newer))
        if newer:
            newest[where] = count
            moved.counts[where] = fact
        moved.tally(fact, newer=newer)
