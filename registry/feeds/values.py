"""Single values of a feed: strings that should be numbers, times in five spellings, texts with anything in them."""

import math
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from registry.catalogue import CAPACITY_MAX
from registry.feeds.records import Bad

TEXT_CHARACTERS_MAX = 200
YEAR_MIN = 2000
"""No live parking data is older; a clock that never was set says 1970."""
YEAR_MAX = 2199

_WHOLE = re.compile(r"[+-]?\d{1,12}(\.0{1,6})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,12}([.,]\d{1,18})?([eE][+-]?\d{1,2})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_MILLISECONDS_FROM = 1e11
"""Epoch numbers above this are milliseconds: as seconds they would be in the year 5138."""


def text(value: Any) -> str | None:
    """A printable text of reasonable length; None for nothing, for an empty one and for what is no text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    cleaned = " ".join(_CONTROL.sub(" ", str(value)).split())
    return cleaned[:TEXT_CHARACTERS_MAX] or None


def shown(value: Any) -> str:
    """A value as it is quoted in a refusal."""
    return (text(value) or type(value).__name__)[:60]


def whole(value: Any, field: str) -> int | None:
    """A count from 0 to the largest car park; None when there is none. Raises Bad."""
    if value is None or value == "":
        return None
    number = _whole(value, field)
    if number < 0:
        raise Bad(field, "negative", f"{number} is negative")
    if number > CAPACITY_MAX:
        raise Bad(field, "too_large", f"{number} is more than the largest car park has")
    return number


def _whole(value: Any, field: str) -> int:
    match value:
        case bool():
            pass
        case int():
            return value
        case float() if math.isfinite(value) and value.is_integer():
            return int(value)
        case str() if _WHOLE.fullmatch(value.strip()):
            return int(float(value))
    raise Bad(field, "not_a_number", f"{shown(value)} is not a whole number")


def decimal(value: Any, field: str) -> float | None:
    """A finite number; None when there is none. A decimal comma is read as a point. Raises Bad."""
    if value is None or value == "":
        return None
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e300 else math.inf
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value.replace(",", "."))
    if not math.isfinite(number):
        raise Bad(field, "not_a_number", f"{shown(value)} is not a number")
    return number


def moment(value: Any, zone: ZoneInfo, field: str) -> datetime | None:
    """A point in time in UTC; None when there is none. A time without offset is in `zone`. Raises Bad."""
    if value is None or value == "":
        return None
    at = _moment(value, zone)
    if at is None:
        raise Bad(field, "timestamp_invalid", f"{shown(value)} is not a time")
    if at.year < YEAR_MIN:
        raise Bad(field, "timestamp_1970", f"{shown(value)}: the clock behind it was never set")
    if at.year > YEAR_MAX:
        raise Bad(field, "timestamp_invalid", f"{shown(value)} is too far in the future to be a time")
    return at


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > _MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(value, str) or len(value) > 40:
            return None
        at = datetime.fromisoformat(value.strip())
        return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
