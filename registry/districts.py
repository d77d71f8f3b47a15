"""The city's districts as shapes: where a point lies, and the GeoJSON that the map draws.

The packaged file is Shenyang's; a city puts its own in its place by setting. Read once at start.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from registry.catalogue import Name

PACKAGED = "shenyang_districts.geojson"


class BadDistricts(ValueError):
    """The districts file is not a GeoJSON FeatureCollection of polygons with `id` and `name`."""


@dataclass(frozen=True, slots=True)
class District:
    """One district; the shape is in degrees, x = longitude."""

    id: str
    name: Name
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class Districts:
    """All districts, and the file they came from as it is served."""

    all: Sequence[District]
    geojson: bytes

    @property
    def etag(self) -> str:
        """Changes with the file."""
        return hashlib.sha256(self.geojson).hexdigest()[:24]

    def at(self, lat: float, lon: float) -> str | None:
        """The id of the district around a WGS-84 position; None outside all of them."""
        point = shapely.Point(lon, lat)
        return next((district.id for district in self.all if district.shape.covers(point)), None)


def load_districts(file: Path | None = None) -> Districts:
    """The districts in `file`, or the packaged ones. Raises OSError, BadDistricts."""
    if file is None:
        return parse_districts(resources.files("registry").joinpath("data", PACKAGED).read_bytes())
    return parse_districts(file.read_bytes())


def parse_districts(geojson: bytes) -> Districts:
    """The districts of a GeoJSON FeatureCollection. Raises BadDistricts."""
    try:
        features = orjson.loads(geojson)["features"]
        districts = [_district(feature) for feature in features]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise BadDistricts(f"not a FeatureCollection of polygons with id and name: {error}") from error
    if not districts or len({district.id for district in districts}) != len(districts):
        raise BadDistricts("every district needs an id of its own, and there must be one")
    return Districts(districts, geojson)


def _district(feature: dict[str, Any]) -> District:
    properties = feature["properties"]
    named = properties["name"]
    name = Name(named, named) if isinstance(named, str) else Name(named.get("zh", ""), named.get("en", ""))
    polygon = shape(feature["geometry"])
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or not polygon.is_valid:
        raise BadDistricts(f"district {properties['id']!r} is not a valid polygon")
    shapely.prepare(polygon)
    return District(str(properties["id"]), Name(name.zh or name.en, name.en or name.zh), polygon)
