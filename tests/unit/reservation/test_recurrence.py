"""Rules of RFC 5545: what is taken, what is refused by name, and that nobody can make us count for long."""

import itertools
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from pydantic import ValidationError

from reservation.recurrence import rule_of
from reservation.windows import LentWindow

STARTS = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "freq=weekly;interval=2;byday=SA,SU;wkst=SU",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;BYDAY=1MO,-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYMONTH=12;BYDAY=SU;COUNT=9",
        "FREQ=YEARLY;BYYEARDAY=1,-1",
    ],
)
def test_days_are_those_of_the_library(rule: str) -> None:
    library = rrulestr(rule.upper().removeprefix("RRULE:"), dtstart=datetime(2026, 11, 23))
    expected = [found.date() for found in itertools.takewhile(lambda found: found.year < 2040, library)]
    assert list(rule_of(rule).days(STARTS, date(2039, 12, 31))) == expected
    assert expected


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=SECONDLY", "FREQ must be one of"),
        ("FREQ=HOURLY;COUNT=5", "FREQ must be one of"),
        ("BYDAY=MO", "FREQ must be one of"),
        ("FREQ=DAILY;COUNT=1000000", "COUNT must be from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=100000", "INTERVAL must be from 1 to 366"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be from 1"),
        ("FREQ=DAILY;BYHOUR=1,2,3", "BYHOUR is not taken"),
        ("FREQ=YEARLY;BYEASTER=0", "BYEASTER is not taken"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY is not taken"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=99MO", "53 of a weekday"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "not 0"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "from -31 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=" + ",".join(["1"] * 63), "lists more than 62"),
        ("FREQ=DAILY;FREQ=DAILY", "said twice"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=20261331", "no day of the calendar"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL is a day"),
        ("FREQ=DAILY\nDTSTART:19700101T000000", "FREQ must be one of"),
        ("every day", "not a rule of RFC 5545"),
        ("", "not a rule of RFC 5545"),
        # They never come true; the library alone would count to the year 9999.
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "names no day"),
        ("FREQ=MONTHLY;BYDAY=6MO", "names no day"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=3FR", "names no day"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "names no day"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=366", "names no day"),
        ("FREQ=DAILY;UNTIL=20200101", "names no day"),
    ],
)
@pytest.mark.timeout(20)  # a bomb takes the library alone minutes
def test_what_is_refused_names_the_field_and_costs_little(rule: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        LentWindow(rrule=rule, from_time="08:00", until_time="18:00", starts_on=STARTS, ends_on=None)
    [error] = refused.value.errors()
    assert error["loc"] == ("rrule",)
    assert says in error["msg"]


def test_an_end_is_a_day_or_a_time() -> None:
    assert rule_of("FREQ=DAILY;UNTIL=20261225").is_over(datetime(2026, 12, 26), SHANGHAI)
    assert not rule_of("FREQ=DAILY;UNTIL=20261225").is_over(datetime(2026, 12, 25, 23), SHANGHAI)
    in_utc = rule_of("FREQ=DAILY;UNTIL=20261225T000000Z")
    assert not in_utc.is_over(datetime(2026, 12, 25, 8), SHANGHAI)
    assert in_utc.is_over(datetime(2026, 12, 25, 8, 1), SHANGHAI)
    assert not rule_of("FREQ=DAILY;UNTIL=20261225T080000").is_over(datetime(2026, 12, 25, 8), SHANGHAI)
