"""China's breaks, days worked in lieu and feast days; other countries' public holidays."""

from datetime import date

import pytest

from billing.tariffs.calendar import public_calendar
from billing.tariffs.days import CalendarRule, DaySet, Season, is_day

CHINA = public_calendar("CN")


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2026, 2, 15), {"spring_festival"}),  # the Sunday before the eve is in the break
        (date(2026, 2, 21), {"spring_festival"}),  # the Saturday in its middle
        (date(2026, 10, 4), {"national_day"}),
        (date(2025, 10, 6), {"national_day", "mid_autumn_festival"}),
        (date(2026, 10, 8), set[str]()),
    ],
)
def test_a_break_is_all_days_off_that_touch_the_feast(day: date, names: set[str]) -> None:
    assert CHINA.names(day) == names


def test_weekend_days_worked_in_lieu_are_workdays() -> None:
    worked = [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
    assert all(CHINA.is_workday(day) and not CHINA.is_weekend(day) for day in worked)
    assert CHINA.worked & {date(2026, month, day) for month in range(1, 13) for day in range(1, 29)} == set(worked)


def test_the_feast_days_are_fewer_than_the_break() -> None:
    october = [day for day in range(1, 9) if CHINA.is_statutory(date(2026, 10, day))]
    assert october == [1, 2, 3]


def test_other_countries() -> None:
    assert public_calendar("HK").is_holiday(date(2026, 7, 1))
    assert not public_calendar("DE").is_holiday(date(2026, 1, 6))
    assert public_calendar("DE", "BY").is_holiday(date(2026, 1, 6))
    with pytest.raises(KeyError, match="no holidays are known"):
        public_calendar("XX")


def test_sets_of_a_tariff() -> None:
    rule = CalendarRule(
        sets={
            "peak": DaySet(seasons=(Season(from_day="12-20", until_day="01-05"),), days=("weekend",)),
            "fair": DaySet(dates=frozenset({date(2026, 5, 16)})),
        }
    )
    assert is_day(("set:peak",), date(2026, 12, 26), rule, CHINA)
    assert not is_day(("set:peak",), date(2026, 12, 28), rule, CHINA)
    assert not is_day(("set:peak",), date(2026, 12, 19), rule, CHINA)
    assert is_day(("mon", "set:fair"), date(2026, 5, 16), rule, CHINA)
