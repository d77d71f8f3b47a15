"""On which days a recurrence rule (RFC 5545) falls. Pure; read by python-dateutil.

A rule comes from outside, so what is taken of the language is what can be read in bounded time: days, weeks, months and
years, no finer. The calendar repeats every 400 years, weekdays included. A rule is therefore read as late in it as the
library counts: one that never comes true again then ends within 400 years instead of 8000, which is milliseconds.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from msgspec import Struct

RULE_CHARACTERS_MAX: Final = 300
COUNT_MAX: Final = 1_000
LIST_MAX: Final = 62
"""Both signs of every day of a month."""
COMES_WITHIN: Final = timedelta(days=5 * 366)
"""Of its beginning: a leap day does."""

_INTERVAL_MAX: Final = {"DAILY": 366, "WEEKLY": 53, "MONTHLY": 12, "YEARLY": 4}
_WEEKDAY: Final = "(?:MO|TU|WE|TH|FR|SA|SU)"
_RANGES: Final = {"BYMONTH": (1, 12), "BYMONTHDAY": (-31, 31), "BYYEARDAY": (-366, 366), "BYSETPOS": (-366, 366)}
_TAKES: Final = {
    "DAILY": {"BYDAY", "BYMONTH"},
    "WEEKLY": {"BYDAY", "BYMONTH"},
    "MONTHLY": {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYSETPOS"},
}
_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)
_YEAR_LAST: Final = 9_990
_CENTURIES: Final = 400


class Rule(Struct, frozen=True):
    """A rule that was read: `text` for the library without its end, and what it `ends` with: local, or UTC."""

    text: str
    ends: datetime | None = None

    def days(self, starts_on: date, last: date) -> Iterator[date]:
        """In order, from `starts_on` on, `last` included; its end, which is a time of day, is not looked at."""
        later = (_YEAR_LAST - starts_on.year) // _CENTURIES * _CENTURIES
        begins = datetime.combine(starts_on.replace(year=starts_on.year + later), time())
        for found in rrulestr(self.text, dtstart=begins):
            day = found.date().replace(year=found.year - later)
            if day > last:
                return
            yield day

    def is_over(self, begins: datetime, zone: ZoneInfo) -> bool:
        """Whether what would begin at this local time (naive) is past its end."""
        if self.ends is None:
            return False
        return begins > (self.ends if self.ends.tzinfo is None else self.ends.astimezone(zone).replace(tzinfo=None))


def rule_of(text: str) -> Rule:
    """What `text` says. Raises ValueError with a sentence."""
    if len(text) > RULE_CHARACTERS_MAX:
        raise ValueError(f"at most {RULE_CHARACTERS_MAX} characters")
    parts = _parts(text.strip().upper().removeprefix("RRULE:"))
    frequency = parts.pop("FREQ", None)
    if frequency not in _TAKES:
        raise ValueError(f"its FREQ must be one of {', '.join(_TAKES)}: the times of day are from_time and until_time")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    until = parts.pop("UNTIL", None)
    for name, value in parts.items():
        _check(frequency, name, value)
    said = [f"FREQ={frequency}", *(f"{name}={value}" for name, value in parts.items())]
    return Rule(";".join(said), None if until is None else _end(until))


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError("not a rule of RFC 5545: write FREQ=WEEKLY;BYDAY=MO,TU")
        if name in parts:
            raise ValueError(f"{name} is said twice")
        parts[name] = value
    return parts


def _check(frequency: str, name: str, value: str) -> None:
    match name:
        case "INTERVAL":
            _number(name, value, 1, _INTERVAL_MAX[frequency])
        case "COUNT":
            _number(name, value, 1, COUNT_MAX)
        case "WKST":
            if not re.fullmatch(_WEEKDAY, value):
                raise ValueError("WKST is a weekday: MO TU WE TH FR SA SU")
        case _ if name not in _TAKES[frequency]:
            known = ", ".join(sorted({"INTERVAL", "COUNT", "UNTIL", "WKST"} | _TAKES[frequency]))
            raise ValueError(f"{name[:20]} is not taken with FREQ={frequency}; taken are {known}")
        case "BYDAY":
            number = "(?:[+-]?[1-9][0-9]?)?" if frequency in ("MONTHLY", "YEARLY") else ""
            for one in _listed(name, value):
                if not re.fullmatch(number + _WEEKDAY, one):
                    raise ValueError(f"BYDAY with FREQ={frequency} does not know “{one[:8]}”")
                if abs(int(one[:-2] or 0)) > 53:
                    raise ValueError("BYDAY: no year has more than 53 of a weekday")
        case _:
            for one in _listed(name, value):
                _number(name, one, *_RANGES[name])


def _listed(name: str, value: str) -> list[str]:
    listed = value.split(",")
    if len(listed) > LIST_MAX:
        raise ValueError(f"{name} lists more than {LIST_MAX}")
    return listed


def _number(name: str, value: str, least: int, most: int) -> None:
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", value) or not least <= int(value) <= most or int(value) == 0:
        raise ValueError(f"its {name} must be from {least} to {most}" + (" and not 0" if least < 0 else ""))


def _end(value: str) -> datetime:
    match = _UNTIL.fullmatch(value)
    if match is None:
        raise ValueError("UNTIL is a day, 20261231, or a time, 20261231T155959Z")
    try:
        ends = datetime.combine(date.fromisoformat(match[1]), time.fromisoformat(match[2] or "235959"))
    except ValueError:
        raise ValueError("UNTIL is no day of the calendar") from None
    if not 1970 <= ends.year <= 2199:
        raise ValueError("its UNTIL must be between 1970 and 2199")
    return ends.replace(tzinfo=UTC) if match[3] else ends
