"""Places as they are asked for in a query, `near=41.7968,123.4290`, and how far things are from them."""

import math
import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from contracts.positions import Datum, PositionIn
from kernel.http import InvalidParameter

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius (IUGG)."""
NUMBER: Final = r"\s*(-?\d{1,3}(?:\.\d{1,18})?)\s*"
"""Degrees in a query; phones write every digit that a double has."""
NEAR_FORM: Final = "write lat,lon in degrees, e.g. 41.7968,123.4290"

Near = Annotated[str | None, Field(max_length=64, description="`lat,lon`: nearest first, with `distance_m`.")]
InDatum = Annotated[Datum, Field(description="Of the positions given and answered.")]

_NEAR = re.compile(f"{NUMBER},{NUMBER}", re.ASCII)


def parse_near(text: str, datum: Datum) -> tuple[float, float]:
    """Latitude and longitude in WGS-84. Raises InvalidParameter."""
    match = _NEAR.fullmatch(text)
    if match is None:
        raise InvalidParameter.of("query", "near", NEAR_FORM, text)
    lat, lon = float(match[1]), float(match[2])
    wrong = off_earth(lats=(lat,), lons=(lon,))
    if wrong is not None:
        raise InvalidParameter.of("query", "near", f"{wrong}: {NEAR_FORM}", text)
    return PositionIn(lat=lat, lon=lon, datum=datum).wgs84()


def off_earth(*, lats: Iterable[float], lons: Iterable[float]) -> str | None:
    """What is wrong with degrees that are no place; None when nothing is."""
    for name, degrees, most in (("latitude", lats, 90), ("longitude", lons, 180)):
        for degree in degrees:
            if not -most <= degree <= most:
                return f"{name} {degree:g} is not within -{most} and {most}"
    return None


def distance_m(here: tuple[float, float], there: tuple[float, float]) -> int:
    """Great-circle distance (haversine) of two (latitude, longitude) in degrees."""
    lat, lon, lat_there, lon_there = map(math.radians, (*here, *there))
    chord = math.sin((lat_there - lat) / 2) ** 2 + (
        math.cos(lat) * math.cos(lat_there) * math.sin((lon_there - lon) / 2) ** 2
    )
    return round(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord))))
