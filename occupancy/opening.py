"""Whether a car park is open: the registry's word and its opening hours (OpenStreetMap syntax), in its own time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from opening_hours import (  # type: ignore[attr-defined]  # the package's stub forgets its error
    OpeningHours,
    ParserError,
)

FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)


class Opening:
    """One car park's hours; remembers until when its last answer holds, since it is asked with every batch."""

    __slots__ = ("_closed", "_from", "_hours", "_until", "_zone", "closed_by_registry")

    def __init__(self, *, closed: bool, opening_hours: str | None, time_zone: str) -> None:
        self.closed_by_registry = closed
        self._zone = ZoneInfo(time_zone)
        self._hours = _parsed(opening_hours)
        self._closed = False
        self._from = self._until = FAR_AHEAD

    def is_closed(self, now: datetime) -> bool:
        """Whether nobody may drive in at `now`; unknown hours count as open."""
        if self.closed_by_registry:
            return True
        if self._hours is None:
            return False
        if not self._from <= now < self._until:
            local = now.astimezone(self._zone).replace(tzinfo=None)
            self._closed = bool(self._hours.is_closed(local))
            change = self._hours.next_change(local)
            self._from = now
            self._until = FAR_AHEAD if change is None else change.replace(tzinfo=self._zone).astimezone(UTC)
        return self._closed


def _parsed(opening_hours: str | None) -> OpeningHours | None:
    if not opening_hours or opening_hours.strip() == "24/7":
        return None
    try:
        return OpeningHours(opening_hours)
    except ParserError:
        return None  # the registry refuses such hours; a feed's own words may still be shown as they are
