"""The metrics of the Curb Data Specification from a curve, worked out by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from occupancy.metrics import OFFLINE, Integral, Knowledge, Level, Metrics, Step, metrics_of
from occupancy.steps import StepLength, steps_between

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def hours(
    levels: Sequence[tuple[float, int]],
    *,
    hours: int = 2,
    heard: float = 120,
    every: bool = False,
    offline: Sequence[tuple[float, float]] = (),
    now: float = 120,
    live_share_min: float = 0.5,
) -> list[Metrics]:
    steps = [Step(at(60 * hour), at(60 * hour + 60)) for hour in range(hours)]
    cuts = [(at(begin), at(end)) for begin, end in offline]
    integral = Integral(steps, Knowledge(at(heard), timedelta(minutes=90), cuts), at(now))
    for minutes, occupied in levels:
        integral.take(Level(at(minutes), occupied, 10, 0, every))
    integral.finish()
    return [metrics_of(step, at(now), live_share_min=live_share_min) for step in steps]


def test_an_hour() -> None:
    first, second = hours([(0, 2), (15, 4), (30, 3), (45, 6)])
    # 15 minutes each of 2, 4, 3 and 6 cars: 225 car minutes; arrivals 2 + 3
    assert first == Metrics(at(0), 3.75, 10, 6.25, 5, 5.0, 45.0, 37.5, 1.0)
    assert second == Metrics(at(60), 6.0, 10, 4.0, 0, 0.0, None, 60.0, 1.0)


def test_what_was_in_force_before_counts() -> None:
    first, _ = hours([(-30, 4)])
    assert (first.occupied, first.total_sessions) == (4.0, 0)


def test_the_time_before_the_first_word_is_offline() -> None:
    first, second = hours([(31, 4)])
    assert first == Metrics(at(0), None, None, None, OFFLINE, OFFLINE, OFFLINE, OFFLINE, 0.483)
    assert second.occupied == 4.0


def test_a_gateway_that_told_itself_offline() -> None:
    first, second = hours([(0, 4)], offline=[(10, 45), (100, 110)])
    assert first.occupancy_percent == OFFLINE
    assert second.occupancy_percent == 40.0


def test_a_counter_is_believed_for_the_gap_only() -> None:
    metrics = hours([(0, 4), (270, 9)], hours=5, every=True, heard=270, now=300)
    assert [step.occupied for step in metrics] == [4.0, 4.0, None, None, 9.0]
    assert [step.total_sessions for step in metrics] == [0, 0, OFFLINE, OFFLINE, 0]


def test_sensors_may_be_quiet_as_long_as_they_are_heard() -> None:
    assert [step.occupied for step in hours([(0, 4)], hours=5, heard=300, now=300)] == [4.0] * 5


def test_a_step_under_way_is_judged_by_what_has_passed() -> None:
    first, second = hours([(0, 4)], heard=70, now=70)
    assert (first.occupied, second.occupied) == (4.0, 4.0)


def test_the_threshold_is_the_callers() -> None:
    first, _ = hours([(31, 4)], live_share_min=0.25)
    assert (first.occupied, first.total_sessions, first.live_share) == (4.0, 0, 0.483)
    assert hours([(50, 4)], live_share_min=0.25)[0].occupied is None


def test_a_day_whose_nights_are_off() -> None:
    steps = [Step(at(0), at(1440)), Step(at(1440), at(2880)), Step(at(2880), at(4320))]
    integral = Integral(steps, Knowledge(at(3000), timedelta(hours=2), []), at(4320))
    for day in (0, 1440):
        for half in range(18):  # 8:00 to 16:30
            integral.take(Level(at(day + 480 + 30 * half), 10 + half, 100, 0, every=True))
    integral.take(Level(at(3000), 50, 100, 0, every=True))
    integral.finish()
    first, second, last = (metrics_of(step, at(4320), live_share_min=StepLength.DAY.live_share_min) for step in steps)
    # half hours of 10 to 26, then two hours of 27: 10.5 h of 24
    assert first == Metrics(at(0), 19.71, 100, 80.29, 17, 1.619, 730.59, 19.71, 0.438)
    assert (second.occupied, second.total_sessions) == (19.71, 17)
    assert (last.occupied, last.live_share, last.occupancy_percent) == (None, 0.083, OFFLINE)
    assert metrics_of(steps[0], at(4320), live_share_min=StepLength.HOUR.live_share_min).occupied is None


SHENYANG, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("begin", "end", "length", "zone", "expected"),
    [
        ("2026-11-23T00:07:00Z", "2026-11-23T00:31:00Z", StepLength.QUARTER, SHENYANG,
         ["2026-11-23T00:07:00Z", "2026-11-23T00:15:00Z", "2026-11-23T00:30:00Z"]),
        ("2026-11-23T00:59:00Z", "2026-11-23T01:00:00Z", StepLength.HOUR, ZoneInfo("Asia/Kolkata"),
         ["2026-11-23T00:59:00Z"]),
        ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", StepLength.DAY, SHENYANG,
         ["2026-11-23T00:00:00Z", "2026-11-23T16:00:00Z"]),
        ("2016-10-30T12:00:00Z", "2016-10-31T12:00:00Z", StepLength.DAY, LONDON,
         ["2016-10-30T12:00:00Z", "2016-10-31T00:00:00Z"]),
    ],
)  # fmt: skip
def test_steps_on_the_wall_clock(begin: str, end: str, length: StepLength, zone: ZoneInfo, expected: list[str]) -> None:
    cuts = list(steps_between(datetime.fromisoformat(begin), datetime.fromisoformat(end), length, zone))
    assert [begin for begin, _ in cuts] == [datetime.fromisoformat(moment) for moment in expected]
    assert all(first[1] == second[0] for first, second in pairwise(cuts))
    assert cuts[-1][1] == datetime.fromisoformat(end)
