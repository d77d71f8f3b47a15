"""A batch becomes a curve in the devices' time."""

from datetime import UTC, datetime, timedelta

from occupancy.fusion import Policy
from occupancy.sources import Count, Measures, Passages, Place, SpaceSums
from occupancy.timeline import Change, Counted, Passed, Sample, SpaceMoved, trace

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
POLICY = Policy(known_share_min=0.95, patience=timedelta(minutes=15))


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def moved(minutes: float, before: str | None, after: str) -> SpaceMoved:
    return SpaceMoved(at(minutes), before, after, "")


def counted(minutes: float, occupied: int, *, newest: bool = True) -> Counted:
    return Counted(at(minutes), "", Count(occupied, 10, at(minutes), "", -1), newest)


def curve(
    *changes: Change, place: Place | None = None, sampled_at: datetime | None = None
) -> list[tuple[datetime, int, int, int]]:
    measures = Measures(SpaceSums(), {}, None, Passages())
    samples = trace(measures, place or Place(2, 2), POLICY, changes, told=None, sampled_at=sampled_at).samples
    return [(sample.at, sample.occupied, sample.capacity, sample.out_of_service) for sample in samples]


def test_one_sample_for_each_moment_that_changed_the_numbers() -> None:
    assert curve(moved(1, None, "free"), moved(0, None, "occupied"), moved(2, "free", "occupied")) == [
        (at(0), 1, 2, 0),
        (at(2), 2, 2, 0),
    ]


def test_changes_of_one_moment_are_one_sample() -> None:
    assert curve(moved(0, None, "occupied"), moved(0, None, "occupied")) == [(at(0), 2, 2, 0)]


def test_what_changes_no_number_is_no_sample() -> None:
    assert curve(moved(0, None, "occupied"), moved(5, "occupied", "occupied")) == [(at(0), 1, 2, 0)]


def test_the_past_that_was_read_is_not_rewritten() -> None:
    assert curve(moved(3, None, "occupied"), sampled_at=at(9)) == [(at(9), 1, 2, 0)]


def test_every_count_of_the_whole_is_a_sample_even_late_or_equal() -> None:
    changes = [counted(0, 4), counted(2, 4), counted(2, 5), counted(1, 9, newest=False)]
    assert curve(*changes, place=Place(10)) == [
        (at(0), 4, 10, 0),
        (at(2), 4, 10, 0),
        (at(2), 5, 10, 0),
        (at(1), 9, 10, 0),
    ]


def test_a_late_count_keeps_what_it_said_of_its_capacity() -> None:
    nothing = Counted(at(0), "", Count(0, 0, at(0), "", -1), newest=False)
    part = Counted(at(1), "", Count(4, 10, at(1), "", -1, 3), newest=False)
    assert curve(counted(2, 5), nothing, part, place=Place(10))[1:] == [(at(0), 0, 0, 0), (at(1), 4, 10, 3)]


def test_counts_are_no_samples_where_sensors_are_the_truth() -> None:
    assert curve(moved(0, None, "occupied"), moved(0, None, "free"), counted(1, 2)) == [(at(0), 1, 2, 0)]


def test_passages_move_the_sum() -> None:
    assert curve(Passed(at(0), 1), Passed(at(1), 1), Passed(at(2), -1), Passed(at(3), 0), place=Place(5)) == [
        (at(0), 1, 5, 0),
        (at(1), 2, 5, 0),
        (at(2), 1, 5, 0),
    ]


def test_a_sample_names_its_source() -> None:
    measures = Measures(SpaceSums(), {}, None, Passages())
    (sample,) = trace(measures, Place(5), POLICY, [Passed(at(0), 1)], told=None, sampled_at=None).samples
    assert sample == Sample(at(0), 1, 5, 0, "passages")
