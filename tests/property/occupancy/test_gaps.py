"""Numbers against a plain model: what a stream of words leaves out, whatever is lost, repeated, late or begun anew.

The model knows what was sent and what arrived. Held against the rules of `occupancy.gaps` as recording applies them:
batch by batch, with gaps, late numbers and numbers ahead kept between batches.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.facts import SpaceSeen
from contracts.ids import CarParkId, SpaceNumber
from occupancy.compare import SpaceOrder
from occupancy.gaps import Gap, Source, read_numbers, without_numbers
from tests.examples import examples

HERE = CarParkId("here")
EIGHT = datetime(2026, 11, 23, tzinfo=UTC)

starts = st.sampled_from([0, 1, 17, 2**16 - 4, 2**32 - 4])
boots = st.lists(st.tuples(starts, st.integers(1, 9)), min_size=1, max_size=3)
"""Of each boot of a sensor: the number it begins with, and how many words it says."""


class Books:
    """What SQL keeps: the state, open gaps and numbers ahead."""

    def __init__(self) -> None:
        self.orders: dict[int, SpaceOrder] = {}
        self.told: set[SpaceSeen] = set()
        self.gaps: list[Gap] = []
        self.ahead: dict[Source, set[int]] = {}

    def record(self, batch: Sequence[SpaceSeen]) -> None:
        fresh = [fact for place, fact in enumerate(batch) if fact not in self.told and fact not in batch[:place]]
        self.told.update(fresh)
        found = read_numbers(fresh, (), self.orders, {})
        self.gaps = without_numbers([*self.gaps, *without_numbers(found.gaps, self.ahead)], found.arrived)
        for source, numbers in found.ahead.items():
            self.ahead.setdefault(source, set()).update(numbers)
        for fact in fresh:
            order = (fact.at, fact.epoch, fact.seq, fact.state)
            if fact.space not in self.orders or order > self.orders[fact.space]:
                self.orders[fact.space] = order

    @property
    def missing(self) -> set[tuple[int, str, int]]:
        return {
            (gap.source.space or 0, gap.source.epoch, number)
            for gap in self.gaps
            for begin, end in gap.missing
            for number in range(begin, end + 1)
        }


def words_of(space: int, told: Sequence[tuple[int, int]]) -> list[SpaceSeen]:
    """Everything a sensor says over its boots, in the order of its own time, wrapping where its numbers do."""
    words: list[SpaceSeen] = []
    for boot, (start, count) in enumerate(told):
        size = 2**16 if start < 2**16 else 2**32
        for step in range(count):
            at = EIGHT + timedelta(minutes=len(words))
            words.append(
                SpaceSeen(HERE, SpaceNumber(space), "free", at, f"b{boot}", (start + step) % size, None, EIGHT)
            )
    return words


def shown(words: Sequence[SpaceSeen], arrived: set[SpaceSeen]) -> set[tuple[int, str, int]]:
    """What can be known to be missing: what lies between two words of one boot that arrived."""
    missing: set[tuple[int, str, int]] = set()
    for epoch in {word.epoch for word in words}:
        boot = [word for word in words if word.epoch == epoch]
        places = [place for place, word in enumerate(boot) if word in arrived]
        if places:
            between = boot[places[0] : places[-1] + 1]
            missing |= {(word.space, epoch, word.seq) for word in between if word not in arrived}
    return missing


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[list[SpaceSeen]], list[SpaceSeen], list[list[SpaceSeen]]]:
    """Words of two sensors, what arrived of them, and how: cut into batches."""
    said = [words_of(space, draw(boots)) for space in (1, 2)]
    arrived = [word for words in said for word in words if draw(st.integers(0, 3))]
    arrived.sort(key=lambda word: word.at)
    late = draw(st.sets(st.sampled_from(arrived), max_size=4)) if arrived else set()
    told = [word for word in arrived if word not in late]
    for word in sorted(late, key=lambda one: (one.at, one.space)):
        # late: anywhere after its time, but within its boot, as long as the first word of the boot came first
        told.insert(draw(st.integers(sum(1 for one in told if one.at <= word.at), len(told))), word)
    repeated = draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    for word in repeated:
        told.insert(draw(st.integers(told.index(word) + 1, len(told))), word)
    cuts = sorted(draw(st.lists(st.integers(0, len(told)), max_size=6)))
    edges = [0, *cuts, len(told)]
    return said, told, [told[begin:end] for begin, end in pairwise(edges)]


@examples(400)
@given(stream=streams())
def test_nothing_is_missing_that_came_and_nothing_was_made_up(
    stream: tuple[list[list[SpaceSeen]], list[SpaceSeen], list[list[SpaceSeen]]],
) -> None:
    said, told, batches = stream
    books = Books()
    for batch in batches:
        books.record(batch)
    lost = {(word.space, word.epoch, word.seq) for words in said for word in words} - {
        (word.space, word.epoch, word.seq) for word in told
    }
    assert books.missing <= lost


@examples(400)
@given(told=st.tuples(boots, boots), data=st.data())
def test_everything_that_can_be_known_to_be_missing_is_found(
    told: tuple[list[tuple[int, int]], list[tuple[int, int]]], data: st.DataObject
) -> None:
    said = [words_of(space, some) for space, some in enumerate(told, 1)]
    arrived = [word for words in said for word in words if data.draw(st.booleans())]
    arrived.sort(key=lambda word: (word.at, word.space))
    size = data.draw(st.integers(1, 5))
    books = Books()
    for begin in range(0, len(arrived), size):
        books.record(arrived[begin : begin + size])
    expected = set[tuple[int, str, int]]()
    for words in said:
        expected |= shown(words, set(arrived))
    assert books.missing == expected


@examples(200)
@given(told=boots, data=st.data())
def test_a_snapshot_after_any_loss_makes_the_state_right(told: list[tuple[int, int]], data: st.DataObject) -> None:
    words = words_of(1, told)
    books = Books()
    books.record([word for word in words if data.draw(st.booleans())])
    last = words[-1]
    snapshot = SpaceSeen(
        HERE, last.space, "occupied", last.at + timedelta(minutes=1), last.epoch, last.seq + 1, None, EIGHT
    )
    books.record([snapshot])
    assert books.orders[1] == (snapshot.at, snapshot.epoch, snapshot.seq, "occupied")
