"""Which cards a request asks for, and in which order. Pure."""

import re
from collections.abc import Iterable

from msgspec import Struct

from contracts.near import NUMBER, distance_m, off_earth
from contracts.positions import Datum, PositionIn
from kernel.http import InvalidParameter
from occupancy.card import Entry

_BBOX = re.compile(",".join([NUMBER] * 4), re.ASCII)

BBOX_FORM = "write west,south,east,north in degrees, e.g. 123.38,41.77,123.46,41.82"


class Box(Struct, frozen=True):
    """Degrees, edges included."""

    west: float
    south: float
    east: float
    north: float


CHINA = Box(73, 3, 136, 54)


class Wanted(Struct, frozen=True):
    """What the cards must be like; None: anything."""

    near: tuple[float, float] | None = None
    radius_m: float | None = None
    box: Box | None = None
    districts: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    min_free: int | None = None
    min_quality: int | None = None


class Found(Struct, frozen=True):
    """A card that fits; `distance_m` from `near`, None without one."""

    entry: Entry
    distance_m: int | None

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in the list."""
        return (self.distance_m or 0, self.entry.id)


def parse_bbox(text: str, datum: Datum) -> Box:
    """The box in WGS-84. Raises InvalidParameter.

    Latitudes may stand first, as in `near`, where that cannot be mistaken: in China east of Tibet, whose longitudes
    are no latitudes. Everywhere else such a box is refused.
    """
    match = _BBOX.fullmatch(text)
    if match is None:
        raise InvalidParameter.of("query", "bbox", BBOX_FORM, text)
    west, south, east, north = (float(number) for number in match.groups())
    if min(south, north) > 90 and all(
        CHINA.south <= lat <= CHINA.north and lon <= CHINA.east for lat, lon in ((west, south), (east, north))
    ):
        west, south, east, north = south, west, north, east
    wrong = off_earth(lats=(south, north), lons=(west, east))
    if wrong is None and west > east:
        wrong = f"west {west:g} is east of east {east:g}"
    if wrong is None and south > north:
        wrong = f"south {south:g} is north of north {north:g}"
    if wrong is not None:
        raise InvalidParameter.of("query", "bbox", f"{wrong}: {BBOX_FORM}", text)
    south, west = PositionIn(lat=south, lon=west, datum=datum).wgs84()
    north, east = PositionIn(lat=north, lon=east, datum=datum).wgs84()
    return Box(west, south, east, north)


def find(entries: Iterable[Entry], wanted: Wanted) -> list[Found]:
    """Those of `entries` that fit, nearest first, by id where there is no nearest."""
    found = [Found(entry, _distance_m(wanted.near, entry)) for entry in entries if _fits(entry, wanted)]
    if wanted.radius_m is not None:
        found = [one for one in found if one.distance_m is not None and one.distance_m <= wanted.radius_m]
    found.sort(key=lambda one: one.place)
    return found


def _fits(entry: Entry, wanted: Wanted) -> bool:
    box = wanted.box
    if box is not None and not (box.south <= entry.lat <= box.north and box.west <= entry.lon <= box.east):
        return False
    if wanted.districts and entry.district_key not in wanted.districts:
        return False
    if wanted.kinds and entry.kind.casefold() not in wanted.kinds:
        return False
    if not all(word in entry.words for word in wanted.words):
        return False
    if wanted.min_quality is not None and (entry.quality is None or entry.quality.score < wanted.min_quality):
        return False
    if wanted.min_free is None:
        return True
    free = entry.countable_free
    return free is not None and free >= wanted.min_free


def _distance_m(near: tuple[float, float] | None, entry: Entry) -> int | None:
    """Great-circle distance (haversine)."""
    if near is None:
        return None
    return distance_m(near, (entry.lat, entry.lon))
