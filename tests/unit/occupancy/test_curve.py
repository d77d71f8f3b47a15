"""What sensors send of a past that the curve has been through: noted, and mended."""

from datetime import UTC, datetime, timedelta

from contracts.availability import Source
from occupancy.curve import Belated, belated_moves, mended
from occupancy.timeline import Change, Passed, Sample, SpaceMoved

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def sample(minutes: float, occupied: int, *, source: Source = "spaces", out_of_service: int = 0) -> Sample:
    return Sample(at(minutes), occupied, 10, out_of_service, source)


def move(since: float, occupied: int, *, until: float = 60, out_of_service: int = 0) -> Belated:
    return Belated(at(since), at(until), occupied, out_of_service)


def moved(minutes: float, before: str | None, after: str) -> SpaceMoved:
    return SpaceMoved(at(minutes), before, after, "")


def test_what_is_older_than_the_last_sample_is_noted() -> None:
    changes: list[Change] = [
        moved(5, "free", "occupied"),
        moved(5, None, "unknown"),
        moved(30, "occupied", "free"),
        moved(40, "out_of_service", "occupied"),
        moved(50, "free", "free"),
        moved(59.5, "free", "occupied"),
        moved(61, "free", "occupied"),
        moved(-8 * 1440, "free", "occupied"),
        Passed(at(5), 1),
    ]
    assert belated_moves(changes, sampled_at=at(60)) == [
        move(5, 1, out_of_service=1),
        move(30, -1),
        move(40, 1, out_of_service=-1),
    ]
    assert belated_moves(changes, sampled_at=None) == []


def test_moves_that_cancel_out_are_none() -> None:
    changes: list[Change] = [moved(5, "free", "occupied"), moved(5, "occupied", "free")]
    assert belated_moves(changes, sampled_at=at(60)) == []


def test_a_second_sensors_hour_is_added_to_the_first_ones() -> None:
    first = [sample(10, 1), sample(60, 0)]
    second = [move(5, 1), move(30, -1), move(45, 1)]
    # recorded at the last sample: 0 + 1 - 1 + 1
    told = [*first, sample(60, 1), sample(60, 0), sample(60, 1)]
    assert mended(sample(0, 0), told, second) == [
        sample(5, 1),
        sample(10, 2),
        sample(30, 1),
        sample(45, 2),
        sample(60, 1),
    ]


def test_before_the_first_sample_nothing_was_heard() -> None:
    assert mended(None, [sample(10, 1), sample(60, 2)], [move(5, 1)]) == [sample(5, 1), sample(10, 2)]


def test_a_move_ends_where_the_curve_has_it() -> None:
    assert mended(sample(0, 3), [sample(60, 4), sample(90, 5)], [move(20, 1, until=60), move(70, 1, until=90)]) == [
        sample(20, 4),
        sample(70, 5),
    ]


def test_what_is_out_of_service_moves_as_well() -> None:
    assert mended(sample(0, 3), [sample(60, 2, out_of_service=1)], [move(20, -1, out_of_service=1)]) == [
        sample(20, 2, out_of_service=1)
    ]


def test_the_words_of_counters_stay() -> None:
    told = [sample(10, 7, source="counts"), sample(40, 5), sample(60, 6)]
    assert mended(sample(0, 3), told, [move(5, 1)]) == [sample(5, 4), sample(40, 6)]
    assert mended(sample(0, 3, source="counts"), [sample(10, 7, source="counts")], [move(5, 1)]) == []
