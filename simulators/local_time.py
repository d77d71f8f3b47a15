"""Wall-clock times of a recording, put on the one time line. Pure."""

from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class WallTime(StrEnum):
    """What a wall clock said about itself."""

    PLAIN = "plain"
    AMBIGUOUS = "ambiguous"  # shown twice, when clocks went back
    NONEXISTENT = "nonexistent"  # never shown by a right clock, when clocks went forward


def placed(wall: datetime, zone: ZoneInfo, *, after: datetime | None) -> tuple[datetime, WallTime]:
    """The instant, in UTC, at which a clock in `zone` showed `wall`, and whether that was in doubt.

    A time shown twice is the first of the two, unless that lies before `after`, the same car park's previous row: then
    the second. A time never shown is read as if the clock had not yet been put forward. A `wall` with an offset needs
    no zone.
    """
    if wall.tzinfo is not None:
        return wall.astimezone(UTC), WallTime.PLAIN
    if zone.key == "UTC":
        return wall.replace(tzinfo=UTC), WallTime.PLAIN
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    before, later = first.utcoffset(), second.utcoffset()
    if before == later or before is None or later is None:
        return first.astimezone(UTC), WallTime.PLAIN
    if before < later:
        return first.astimezone(UTC), WallTime.NONEXISTENT
    instant = first.astimezone(UTC)
    if after is not None and instant < after:
        instant = second.astimezone(UTC)
    return instant, WallTime.AMBIGUOUS
