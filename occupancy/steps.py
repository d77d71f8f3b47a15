"""How time is cut into steps: quarters, hours and days on the wall clock of the car park. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class StepLength(StrEnum):
    """How the past is cut; `raw` is not cut at all."""

    RAW = "raw"
    QUARTER = "PT15M"
    HOUR = "PT1H"
    DAY = "P1D"


_SECONDS = {StepLength.QUARTER: 900, StepLength.HOUR: 3600}


def steps_between(
    begin: datetime, end: datetime, length: StepLength, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The steps that touch [begin, end), in UTC; the first may begin before. A day may have 23 or 25 hours."""
    if length is StepLength.DAY:
        day = begin.astimezone(zone).date()
        start = _midnight(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - wall clock, placed below
        while start < end:
            day += timedelta(days=1)
            following = _midnight(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001
            yield start, following
            start = following
        return
    seconds = _SECONDS[length]
    offset = begin.astimezone(zone).utcoffset() or timedelta(0)
    wall = begin.timestamp() + offset.total_seconds()
    start = datetime.fromtimestamp(wall - wall % seconds - offset.total_seconds(), UTC)
    while start < end:
        yield start, start + timedelta(seconds=seconds)
        start += timedelta(seconds=seconds)


def _midnight(day: datetime, zone: ZoneInfo) -> datetime:
    return day.replace(tzinfo=zone).astimezone(UTC)
