"""Times on the wire: RFC 3339 with an offset in, UTC with `Z` and milliseconds out.

`Moment` is the type of every time in a request model or a query parameter. It takes strings only (no epoch numbers),
refuses a time without an offset with a sentence, and keeps years where every later step (UTC conversion, `timestamptz`,
daily partitions) is defined.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

YEAR_MIN, YEAR_MAX = 1970, 2199
"""Recordings are decades old at most and nobody books a century ahead; far from where datetime arithmetic overflows."""

NO_OFFSET = "a time needs its offset: write 2026-11-23T08:00:00+08:00 or 2026-11-23T00:00:00Z"

_RFC3339 = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?P<offset>[Zz]|[+ -]\d{2}:?\d{2})?",
    re.ASCII,
)


def wire_time(moment: datetime) -> str:
    """`2026-11-23T00:00:00.000Z`; `moment` has an offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _spelled(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("moment_type", "a time is a string: write 2026-11-23T08:00:00+08:00")
    match = _RFC3339.fullmatch(value)
    if match is None:
        raise PydanticCustomError("moment_form", "not an RFC 3339 time: write 2026-11-23T08:00:00+08:00")
    if match["offset"] is None:
        raise PydanticCustomError("moment_naive", NO_OFFSET)
    # A "+" that a client left unescaped in a query string arrives as a space. A datetime and no text: a strict body
    # takes nothing else after a validator of ours. Raises ValueError with a sentence for a 30th of February.
    return datetime.fromisoformat(f"{match['day']}T{match['time'][:15]}{match['offset'].replace(' ', '+').upper()}")


def _within_years(moment: datetime) -> datetime:
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise PydanticCustomError("moment_range", f"the year must be between {YEAR_MIN} and {YEAR_MAX}")
    return moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_spelled),
    AfterValidator(_within_years),
    PlainSerializer(wire_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T08:00:00+08:00"]}),
]
"""A point in time with an offset, handed on in UTC."""
