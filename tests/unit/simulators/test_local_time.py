"""Wall clocks go back and forward; recordings do not say when."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from simulators.local_time import WallTime, placed

LONDON = ZoneInfo("Europe/London")


def test_summer_time_is_an_hour_ahead() -> None:
    at, doubt = placed(datetime(2016, 7, 1, 12), LONDON, after=None)
    assert (at, doubt) == (datetime(2016, 7, 1, 11, tzinfo=UTC), WallTime.PLAIN)


@pytest.mark.parametrize(
    ("after", "hour"),
    [
        (None, 0),
        (datetime(2016, 10, 30, 0, 15, tzinfo=UTC), 0),
        (datetime(2016, 10, 30, 0, 16, tzinfo=UTC), 1),
        (datetime(2016, 10, 30, 0, 45, tzinfo=UTC), 1),
    ],
)
def test_a_time_shown_twice_is_the_first_unless_the_row_before_was_later(after: datetime | None, hour: int) -> None:
    at, doubt = placed(datetime(2016, 10, 30, 1, 15), LONDON, after=after)
    assert (at, doubt) == (datetime(2016, 10, 30, hour, 15, tzinfo=UTC), WallTime.AMBIGUOUS)


def test_a_time_never_shown_is_of_a_clock_not_yet_put_forward() -> None:
    at, doubt = placed(datetime(2016, 3, 27, 1, 30), LONDON, after=None)
    assert (at, doubt) == (datetime(2016, 3, 27, 1, 30, tzinfo=UTC), WallTime.NONEXISTENT)


def test_a_time_with_an_offset_needs_no_zone() -> None:
    at, doubt = placed(datetime.fromisoformat("2016-07-01T12:00:00+08:00"), LONDON, after=None)
    assert (at, doubt) == (datetime(2016, 7, 1, 4, tzinfo=UTC), WallTime.PLAIN)
