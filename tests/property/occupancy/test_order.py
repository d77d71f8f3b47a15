"""Any order and duplication of a stream, cut into any batches, ends in the same state."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.facts import CountSeen, PassageSeen, SpaceSeen
from contracts.ids import CarParkId, SpaceNumber, ZoneLabel
from occupancy.compare import Kept, SpaceOrder, compare
from occupancy.doubt import Doubts
from occupancy.fusion import Policy, Truth, fuse
from occupancy.sources import Measures, Passages, Place, SpaceSums, ZonePlace
from occupancy.timeline import trace
from tests.examples import examples

HERE = CarParkId("here")
EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
POLICY = Policy(known_share_min=0.95, patience=timedelta(minutes=15))
ZONE_OF = {1: "A", 2: "A", 3: "B", 4: "B"}

Fact = SpaceSeen | CountSeen | PassageSeen

moments = st.integers(0, 40).map(lambda minutes: EIGHT + timedelta(minutes=minutes))
spaces = st.builds(
    SpaceSeen,
    car_park=st.just(HERE),
    space=st.integers(1, 4).map(SpaceNumber),
    state=st.sampled_from(["free", "occupied", "unknown", "out_of_service"]),
    at=moments,
    epoch=st.sampled_from(["", "b1", "b2"]),
    seq=st.integers(-1, 3),
    battery=st.none(),
    received_at=st.just(EIGHT),
)
counts = st.builds(
    CountSeen,
    car_park=st.just(HERE),
    zone=st.sampled_from(["", "A", "B"]).map(ZoneLabel),
    capacity=st.sampled_from([2, 4]),
    occupied=st.integers(0, 6),
    entered=st.none(),
    left=st.none(),
    at=moments,
    epoch=st.just(""),
    seq=st.integers(-1, 2),
    received_at=st.just(EIGHT),
    out_of_service=st.integers(0, 2),
)
passages = st.builds(
    lambda number, entry, at: PassageSeen(
        HERE, f"p{number}", "E1", "entry" if entry else "exit", None, None, None, None, None, None, at, EIGHT
    ),
    st.integers(0, 1_000_000),
    st.booleans(),
    moments,
)
streams = st.tuples(
    st.lists(spaces, max_size=12),
    st.lists(counts, max_size=6),
    st.lists(passages, max_size=6, unique_by=lambda passage: passage.id),
).map(lambda kinds: [fact for kind in kinds for fact in kind])
places = st.builds(
    Place,
    capacity=st.just(4),
    numbered=st.sampled_from([0, 4]),
    measured_by=st.sampled_from(["auto", "spaces", "counts", "passages", "mixed"]),
    zones=st.just({"A": ZonePlace(2, 2), "B": ZonePlace(2, 2)}),
)


class Books:
    """What SQL keeps between batches, in memory: keys told, orders of spaces, sources, every passage."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.told: set[Any] = set()
        self.spaces: dict[int, SpaceOrder] = {}
        self.measures = Measures(SpaceSums(), {}, {}, Passages())
        self.passed: list[PassageSeen] = []
        self.tally: Counter[str] = Counter()

    def record(self, batch: Sequence[Fact]) -> None:
        fresh: list[Fact] = []
        for fact in batch:
            key = (HERE, fact.id) if isinstance(fact, PassageSeen) else fact
            if key not in self.told:
                self.told.add(key)
                fresh.append(fact)
        kept = Kept(
            [fact for fact in fresh if isinstance(fact, SpaceSeen)],
            [fact for fact in fresh if isinstance(fact, CountSeen)],
            [fact for fact in fresh if isinstance(fact, PassageSeen)],
            [],
            Counter({HERE: len(batch) - len(fresh)}),
        )
        moved = compare(kept, {HERE: self.measures}, self.spaces, ZONE_OF, Doubts())
        for space, event in moved.spaces.items():
            self.spaces[space] = (event.at, event.epoch, event.seq, event.state)
        trace(self.measures, self.place, POLICY, moved.changes[HERE], told=None, sampled_at=None)
        self.passed += kept.passages
        if (HERE, "") in moved.counts:
            base_at = self.measures.passages.base_at
            after = [fact for fact in self.passed if base_at is None or fact.at > base_at]
            self.measures.passages.net = sum(1 if fact.direction == "entry" else -1 for fact in after)
        tally = moved.tallies[HERE]
        self.tally.update(stored=tally.stored, duplicate=tally.duplicate, late=tally.late)

    @property
    def state(self) -> tuple[dict[int, SpaceOrder], Measures, Truth | None]:
        return self.spaces, self.measures, fuse(self.measures, self.place, POLICY)


def settled(place: Place, stream: Sequence[Fact], cuts: Sequence[int]) -> Books:
    books = Books(place)
    edges = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    for begin, end in pairwise(edges):
        books.record(stream[begin:end])
    return books


@examples(300)
@given(place=places, stream=streams, data=st.data())
def test_any_order_and_duplication_ends_in_the_same_state(
    place: Place, stream: list[Fact], data: st.DataObject
) -> None:
    repeated = stream + data.draw(st.lists(st.sampled_from(stream), max_size=6) if stream else st.just([]))
    shuffled = data.draw(st.permutations(repeated))
    cuts = data.draw(st.lists(st.integers(0, 100), max_size=5))
    expected, found = settled(place, stream, []), settled(place, shuffled, cuts)
    assert found.state == expected.state
    assert sum(found.tally.values()) == len(shuffled)
    assert found.tally["duplicate"] == len(shuffled) - len(
        {(f.id if isinstance(f, PassageSeen) else f) for f in stream}
    )


@given(place=places, stream=streams)
def test_sums_are_what_the_spaces_say(place: Place, stream: list[Fact]) -> None:
    books = settled(place, stream, [3, 7])
    states = Counter(order[3] for order in books.spaces.values())
    sums = books.measures.spaces
    assert (sums.occupied, sums.free, sums.out_of_service, sums.unknown) == (
        states["occupied"],
        states["free"],
        states["out_of_service"],
        states["unknown"],
    )


@given(place=places, stream=streams)
def test_every_space_is_accounted_for_once(place: Place, stream: list[Fact]) -> None:
    books = settled(place, stream, [])
    truth = fuse(Measures(books.measures.spaces, {}, None, Passages()), place, POLICY)
    if truth is not None:
        sums = books.measures.spaces
        assert truth.out_of_service == sums.out_of_service + sums.unknown
        assert truth.capacity == sums.known + truth.unknown
        never_heard = truth.unknown - sums.unknown
        assert truth.never_heard == never_heard
        assert truth.capacity - truth.out_of_service - truth.occupied == sums.free + never_heard
