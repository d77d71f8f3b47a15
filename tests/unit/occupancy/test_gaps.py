"""Which numbers are missing, and which only look as if they were."""

from datetime import timedelta

import pytest

from contracts.facts import CountSeen, SpaceSeen
from contracts.ids import CarParkId, SpaceNumber, ZoneLabel
from occupancy.compare import SpaceOrder
from occupancy.gaps import Numbering, Source, read_numbers, without_numbers, wrap_of
from occupancy.sources import Count, Measures, Passages, SpaceSums
from tests.integration.occupancy.city import EIGHT, HERE, at

ONE = SpaceNumber(1)


def seen(seq: int, seconds: float, epoch: str = "b1") -> SpaceSeen:
    return SpaceSeen(HERE, ONE, "free", at(seconds), epoch, seq, None, at(seconds))


def read(known: tuple[int, float, str] | None, *facts: SpaceSeen) -> Numbering:
    orders: dict[int, SpaceOrder] = {}
    if known is not None:
        seq, seconds, epoch = known
        orders[ONE] = (at(seconds), epoch, seq, "occupied")
    return read_numbers(facts, (), orders, {})


def missing(found: Numbering) -> list[tuple[int, int]]:
    return [part for gap in found.gaps for part in gap.missing]


@pytest.mark.parametrize(
    ("known", "next_one", "expected"),
    [
        ((5, 0, "b1"), seen(6, 1), []),
        ((5, 0, "b1"), seen(8, 1), [(6, 7)]),
        ((5, 0, "b1"), seen(0, 1, "b2"), []),
        ((5, 0, "b1"), seen(9, 1, "b2"), []),
        ((500, 0, ""), seen(0, 1, ""), []),
        ((500, 0, ""), seen(1, 1, ""), []),
        ((65_535, 0, "b1"), seen(0, 1), []),
        ((65_533, 0, "b1"), seen(2, 1), [(65_534, 65_535), (0, 1)]),
        ((2**32 - 1, 0, "b1"), seen(0, 1), []),
        ((2**32 - 2, 0, "b1"), seen(1, 1), [(2**32 - 1, 2**32 - 1), (0, 0)]),
        ((65_535, 0, "b1"), seen(65_536, 1), []),
        ((-1, 0, ""), seen(7, 1, ""), []),
        ((7, 0, ""), seen(-1, 1, ""), []),
        (None, seen(7, 1), []),
    ],
)
def test_what_follows_what(known: tuple[int, float, str] | None, next_one: SpaceSeen, expected: object) -> None:
    found = read(known, next_one)
    assert missing(found) == expected
    assert not found.arrived
    assert not found.ahead


def test_words_out_of_order_in_one_batch_are_no_gap() -> None:
    found = read((1, 0, "b1"), seen(3, 3), seen(2, 2), seen(4, 4))
    assert found.gaps == []
    assert found.arrived == {Source(HERE, ONE, None, "b1"): {2}}


def test_what_comes_late_takes_itself_out_of_a_gap() -> None:
    (gap,) = read((1, 0, "b1"), seen(6, 6)).gaps
    late = read((6, 6, "b1"), seen(3, 3)).arrived
    (rest,) = without_numbers([gap], late)
    assert (rest.from_seq, rest.to_seq, rest.missing) == (2, 5, ((2, 2), (4, 5)))
    assert without_numbers([rest], {gap.source: {2, 4, 5}}) == []


def test_a_clock_that_was_put_back_hides_no_number_and_makes_up_none() -> None:
    back = read((5, 10, "b1"), seen(6, 9))
    assert back.gaps == []
    assert back.ahead == {Source(HERE, ONE, None, "b1"): {6}}
    (gap,) = read((5, 10, "b1"), seen(7, 11)).gaps
    assert without_numbers([gap], back.ahead) == []


def test_a_late_word_from_before_a_wrap_is_not_ahead() -> None:
    found = read((2, 10, "b1"), seen(65_534, 5))
    assert found.arrived
    assert not found.ahead


def test_a_late_word_of_an_earlier_boot_shows_no_gap() -> None:
    found = read((2, 10, "b2"), seen(40, 5, "b1"))
    assert found.gaps == []
    assert not found.ahead


def test_counters_number_by_zone() -> None:
    def count(zone: str, seq: int, seconds: float) -> CountSeen:
        return CountSeen(HERE, ZoneLabel(zone), 10, 3, None, None, at(seconds), "", seq, at(seconds))

    known = {"": Count(3, 10, EIGHT, "", 4), "B1": Count(3, 10, EIGHT, "", 9)}
    measures = {CarParkId(HERE): Measures(SpaceSums(), known, None, Passages())}
    found = read_numbers((), [count("", 5, 1), count("B1", 12, 1), count("B1", 14, 2)], {}, measures)
    assert [(gap.source.zone, gap.from_seq, gap.to_seq) for gap in found.gaps] == [("B1", 10, 11), ("B1", 13, 13)]
    assert found.gaps[1].after == EIGHT + timedelta(seconds=1)


def test_where_a_number_wraps() -> None:
    assert wrap_of(65_000, 400) == 2**16
    assert wrap_of(65_000, 600) is None
    assert wrap_of(2**32 - 5, 3) == 2**32
    assert wrap_of(200, 0) is None
