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

    @property
    def live_share_min(self) -> float:
        """A source that was live for less of a step than this share was offline in it.

        Up to an hour that is half, as CDS says: "offline for the majority of the time". A day is another matter: many
        counters are switched off every night (those of Birmingham tell 8 to 17 h, with the patience for the last
        word 10 of 24 hours), and by the half their days would all be lost. With a quarter, six hours, a working day
        is a day, and a source that came up for the evening is none.
        """
        return 0.25 if self is StepLength.DAY else 0.5


_SECONDS = {StepLength.QUARTER: 900, StepLength.HOUR: 3600}


def steps_between(
    begin: datetime, end: datetime, length: StepLength, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """[begin, end) cut at the wall clock of `zone`, in UTC: the first and the last step may be shorter than the rest.

    A whole day may have 23 or 25 hours.
    """
    for start, following in _grid(begin, end, length, zone):
        yield max(start, begin), min(following, end)


def _grid(begin: datetime, end: datetime, length: StepLength, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The whole steps that touch [begin, end)."""
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
