"""GeoJSON (RFC 7946, and its forerunner with a `crs` member): features with properties, whatever they are called.

Freiburg's parking guidance publishes the same with `obs_` names, numbers in strings and ETRS89 metres; it is read here
too, with its `obs_state` (0 and -1 are closed).
"""

import re
from collections.abc import Iterator
from typing import Any

from registry.feeds.records import Refused, Row
from registry.feeds.table import neutral_names, row_of

_EPSG = re.compile(r"EPSG:+(?:[\d.]*:)?(\d{4,6})$")
_DEGREES = frozenset({4326, 4258, 4490})
"""WGS 84, ETRS89, CGCS 2000: degrees that agree to a metre."""
COORDINATES_MAX = 100_000
"""Of one geometry; a car park's outline has a hundred."""


def is_freiburg(document: dict[str, Any]) -> bool:
    """Whether the features speak of `obs_parkid`."""
    features = document.get("features")
    return isinstance(features, list) and any("obs_parkid" in _properties(feature) for feature in features[:50])


def geojson_rows(document: dict[str, Any]) -> Iterator[Row | Refused]:
    """A row for every feature."""
    features = document.get("features")
    if not isinstance(features, list):
        yield Refused(-1, None, "features", "missing_field", "the FeatureCollection has no list of features")
        return
    epsg = epsg_of(document.get("crs"))
    for index, feature in enumerate(features):
        if not isinstance(feature, dict):
            yield Refused(index, None, "", "not_an_object", "the feature is not an object")
            continue
        properties = _properties(feature)
        names = neutral_names(properties)
        if "obs_state" in properties:
            names["state"] = "obs_state"
        position = _centre(feature.get("geometry"))
        yield row_of(
            index,
            properties,
            {"lat": "geometry", "lon": "geometry", **names},
            position=position or ((None, None) if "lat" not in names else None),
            uid=feature.get("id"),
            epsg=epsg if position is not None else None,
        )


def epsg_of(crs: Any) -> int | None:
    """The EPSG code in a `crs` member; None for degrees, which need no conversion."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    match = _EPSG.search(name.strip()) if isinstance(name, str) else None
    code = int(match[1]) if match else None
    return None if code in _DEGREES else code


def _properties(feature: Any) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _centre(geometry: Any) -> tuple[Any, Any] | None:
    """Latitude and longitude of a point, or of the middle of whatever is drawn; None when nothing is."""
    if not isinstance(geometry, dict):
        return None
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point":
        if isinstance(coordinates, list) and len(coordinates) >= 2:
            return coordinates[1], coordinates[0]
        return None
    points = _points(coordinates)
    if not points:
        return None
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    return (min(latitudes) + max(latitudes)) / 2, (min(longitudes) + max(longitudes)) / 2


def _points(coordinates: Any) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    open_lists = [coordinates]
    while open_lists and len(found) < COORDINATES_MAX:
        item = open_lists.pop()
        if not isinstance(item, list):
            continue
        if len(item) >= 2 and all(_is_number(number) for number in item[:2]):
            found.append((float(item[0]), float(item[1])))
        else:
            open_lists.extend(item)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
