"""Which time zones there are."""

from functools import cache
from zoneinfo import available_timezones


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone such as Asia/Shanghai; the list is read once, it touches many files."""
    return name in _known()
