"""The minutes of days in which a pool counts: a stay takes every minute that it touches. Pure. Days are UTC's."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

MINUTE: Final = timedelta(minutes=1)
MINUTES: Final = 1440


class DayPart(NamedTuple):
    """The minutes `first` to `last` of `day`, counted from 1, both included."""

    day: date
    first: int
    last: int


def day_parts(begins: datetime, until: datetime) -> list[DayPart]:
    """Of `[begins, until)`, in order; none when it is empty."""
    return list(_parts(floor(begins), ceil(until))) if begins < until else []


def floor(at: datetime) -> datetime:
    """The beginning of its minute."""
    return at.replace(second=0, microsecond=0)


def ceil(at: datetime) -> datetime:
    """The end of its minute; itself when it is one."""
    begun = floor(at)
    return begun if begun == at else begun + MINUTE


def _parts(begins: datetime, until: datetime) -> Iterator[DayPart]:
    while begins < until:
        midnight = begins.replace(hour=0, minute=0)
        ends = min(until, midnight + timedelta(days=1))
        yield DayPart(begins.date(), (begins - midnight) // MINUTE + 1, (ends - midnight) // MINUTE)
        begins = ends
