"""Where a recorded car park is put on the map when its recording does not say. Pure but for the time zone tables."""

import importlib.resources
import math
import re
from collections.abc import Sequence
from typing import Final

from simulators.recording import Recording

_METRES_A_DEGREE: Final = 111_320.0
_APART_M: Final = 180.0
"""Between two car parks put side by side: far enough to be told apart on a city map."""
_GOLDEN_ANGLE: Final = math.pi * (3 - math.sqrt(5))

Place = tuple[float, float]


def places_of(recording: Recording) -> Sequence[tuple[Place, bool]]:
    """(latitude, longitude) of every series, and whether that is known or only assumed.

    Assumed places lie in a spiral around the middle of the known ones, or else around the city for which the
    recording's time zone is named: wrong by miles, but in the right part of the world and never on top of each other.
    """
    known = [series.position for series in recording.series if series.position is not None]
    middle = (
        (sum(lat for lat, _ in known) / len(known), sum(lon for _, lon in known) / len(known))
        if known
        else place_of_zone(recording.time_zone)
    )
    assumed = iter(spread(middle, sum(series.position is None for series in recording.series)))
    return [(series.position, True) if series.position else (next(assumed), False) for series in recording.series]


def spread(middle: Place, count: int) -> Sequence[Place]:
    """`count` places around `middle`, evenly as the seeds of a sunflower lie."""
    lat, lon = middle
    metres = [_APART_M * math.sqrt(number + 1) for number in range(count)]
    return [
        (
            round(lat + metre * math.sin(number * _GOLDEN_ANGLE) / _METRES_A_DEGREE, 6),
            round(lon + metre * math.cos(number * _GOLDEN_ANGLE) / _METRES_A_DEGREE / math.cos(math.radians(lat)), 6),
        )
        for number, metre in enumerate(metres)
    ]


def place_of_zone(time_zone: str) -> Place:
    """The place that the tz database gives for the zone's city (`zone.tab`, ISO 6709); 0, 0 for zones without one."""
    table = importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab"
    for line in table.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) >= 3 and parts[2] == time_zone:
            found = re.fullmatch(r"([+-])(\d\d)(\d\d)(\d\d)?([+-])(\d{3})(\d\d)(\d\d)?", parts[1])
            if found:
                north, lat, lat_m, lat_s, east, lon, lon_m, lon_s = found.groups(default="0")
                return _degrees(north, lat, lat_m, lat_s), _degrees(east, lon, lon_m, lon_s)
    return 0.0, 0.0


def _degrees(sign: str, degrees: str, minutes: str, seconds: str) -> float:
    return (int(degrees) + int(minutes) / 60 + int(seconds) / 3600) * (-1 if sign == "-" else 1)
