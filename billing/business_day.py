"""The operators' days: from midnight to midnight in the city's time zone. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day that `moment` is in."""
    return moment.astimezone(zone).date()


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """`[begins, ends)` in UTC; 23 or 25 hours where the clocks are changed."""
    begins = datetime.combine(day, time(), zone)
    return begins.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
