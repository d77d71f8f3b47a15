"""The words of which a tariff is made: texts in two languages, times of day, amounts, minutes. Pure.

Everything an operator writes is minutes, fen (minor units) and local times of day; the engine counts in seconds.
"""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

DAY_S: Final = 86_400
MINUTES_MAX: Final = 366 * 1440
"""A year: no rule of a tariff is longer."""

_TIME: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
_SLUG: Final = r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$"


class Frozen(BaseModel):
    """Data of a tariff: never changed, nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Text(Frozen):
    """What people read, in both languages."""

    zh: str = Field(min_length=1, max_length=200, title="中文", examples=["白天"])
    en: str = Field(min_length=1, max_length=200, title="English", examples=["day"])


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise PydanticCustomError("time_of_day", "write a local time as HH:MM, from 00:00 to 24:00, e.g. 07:30")
    return text


TimeOfDay = Annotated[
    str,
    AfterValidator(_time),
    Field(description="Local time, HH:MM; 24:00 is the end of the day.", examples=["07:30", "24:00"]),
]
Slug = Annotated[str, Field(pattern=_SLUG, examples=["day", "early-bird"])]
Fen = Annotated[
    int,
    Field(strict=True, ge=0, le=100_000_000, description="Whole minor units (fen, cent; yen).", examples=[300]),
]
Minutes = Annotated[int, Field(strict=True, ge=1, le=MINUTES_MAX, description="Whole minutes.", examples=[60])]
MinutesOrNone = Annotated[int, Field(strict=True, ge=0, le=MINUTES_MAX, description="Whole minutes; 0 is none.")]


def seconds_of(time: str) -> int:
    """`07:30` -> 27000, `24:00` -> 86400: seconds of the wall clock since midnight."""
    return int(time[:2]) * 3600 + int(time[3:]) * 60


def wall(time: str) -> timedelta:
    """The same as a distance from midnight on the wall clock."""
    return timedelta(seconds=seconds_of(time))


class Unsaid(Frozen):
    """A part of a tariff that another format has no words for."""

    field: str
    why: str
