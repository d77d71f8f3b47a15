"""The score of a car park's data: the rules, the example of docs/quality.md, how it comes back."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import pytest

from occupancy.health import LATENCY_CLASSES, LATENCY_EDGES_S, HealthHour, added, latency_s
from occupancy.quality import BEST, RULES, WINDOW_H, Present, rate, weight_of

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def hour(ago: int = 0, **seen: int) -> HealthHour:
    """A clean hour of a car park with 100 sensors, with something else seen."""
    clean = {"looks": 60, "capacity": 6_000, "spaces": 6_000, "sources": 6_000, "stored": 1_000}
    return HealthHour(NOW.replace(minute=0) - timedelta(hours=ago), **(clean | seen), latencies=in_time(0.4, 1_000))


def in_time(seconds: float, words: int) -> list[int]:
    histogram = [0] * LATENCY_CLASSES
    histogram[bisect_right(LATENCY_EDGES_S, seconds)] = words
    return histogram


def test_perfect_data_has_100_and_no_reason() -> None:
    quality = rate([hour(ago) for ago in range(WINDOW_H)], NOW, Present(dark=False))
    assert (quality.score, list(quality.reasons)) == (BEST, [])


def test_the_first_look_rates() -> None:
    assert rate([], NOW, Present(dark=False)).score == BEST


def test_a_dead_car_park_has_nothing() -> None:
    quality = rate([hour(ago, dark=60) for ago in range(WINDOW_H)], NOW, Present(dark=True))
    assert quality.score == 0
    assert [reason.code for reason in quality.reasons] == ["dark_now", "dark"]


def test_one_that_just_died_is_poor_at_once() -> None:
    assert rate([hour(ago) for ago in range(WINDOW_H)], NOW, Present(dark=True)).score == 40


def test_the_example_of_the_page() -> None:
    """docs/quality.md counts this by hand."""
    quality = rate([hour(stored=970, lost=30, silent=300, rejected=0)], NOW, Present(dark=False))
    assert [(reason.code, reason.points) for reason in quality.reasons] == [("lost", 14.6), ("silent_spaces", 5.0)]
    assert quality.score == 80
    assert quality.reasons[0].said() == ("3.0% 的消息丢失", "3.0 % of the messages were lost")
    (reason,) = rate([hour(stored=970, lost=30), hour(1)], NOW, Present(dark=False)).reasons
    assert (round(reason.measure, 3), reason.points) == (0.016, 7.2)


def test_it_comes_back_within_a_day() -> None:
    """After a day in the dark, hour by hour."""
    scores = []
    for good in range(WINDOW_H + 1):
        hours = [hour(ago, dark=0 if ago < good else 60) for ago in range(WINDOW_H)]
        scores.append(rate(hours, NOW, Present(dark=good == 0)).score)
    assert scores == sorted(scores)
    assert [scores[good] for good in (0, 1, 6, 12, 18, 24)] == [0, 40, 44, 77, 93, BEST]  # docs/quality.md says so


def test_late_words_cost_by_their_95_percent() -> None:
    slow = HealthHour(hour().hour, stored=100, latencies=in_time(100, 100))
    (reason,) = rate([slow], NOW, Present(dark=False)).reasons
    assert reason.code == "latency"
    assert 90 < reason.measure <= 120
    assert reason.said()[1].endswith(" s")
    assert reason.said()[0].endswith(" 秒")


def test_hours_weigh_less_with_age_and_nothing_after_a_day() -> None:
    begin = NOW.replace(minute=0)
    assert weight_of(begin, NOW) == 1
    assert weight_of(begin - timedelta(hours=6), NOW) == 0.5
    assert weight_of(begin - timedelta(hours=24), NOW) == 0
    assert weight_of(begin + timedelta(hours=1), NOW) == 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_tolerates_something_and_ends(rule) -> None:  # type: ignore[no-untyped-def]  # a Rule
    assert rule.lost(rule.tolerated) == 0
    assert rule.lost(rule.all_lost_at) == rule.points
    assert rule.lost(10 * rule.all_lost_at) == rule.points
    assert 0 < rule.lost((rule.tolerated + rule.all_lost_at) / 2) < rule.points
    assert ("{}" in rule.zh, "{}" in rule.en) == (rule.unit != "", rule.unit != "")


def test_percentiles_of_added_hours() -> None:
    both = added(
        HealthHour(NOW, stored=3, latencies=in_time(0.4, 90)), HealthHour(NOW, stored=4, latencies=in_time(25, 10))
    )
    assert (both.stored, both.live_words) == (7, 100)
    half, most = latency_s(both.latencies, 0.5), latency_s(both.latencies, 0.95)
    assert half is not None and 0.3 <= half < 0.5
    assert most is not None and 20 <= most < 30
    assert latency_s([], 0.5) is None
    assert latency_s(in_time(5_000, 1), 0.5) == 900
