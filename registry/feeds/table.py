"""Rows whose fields have names: what CSV columns, GeoJSON properties and JSON objects are called around the world."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from registry.feeds.records import Row

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "uid": (
        "id", "uid", "original_uid", "car_park", "car_park_id", "site_id", "place_id", "lot_id", "code", "ref",
        "identifier", "obs_parkid",
    ),
    "name": ("name", "name_zh", "title", "label", "park_name", "place_name"),
    "name_en": ("name_en",),
    "lat": ("lat", "latitude", "breitengrad", "y"),
    "lon": ("lon", "lng", "long", "longitude", "laengengrad", "x"),
    "capacity": (
        "capacity", "total", "spaces", "total_spaces", "num_spaces", "number_of_spaces", "kapazitaet", "stellplaetze",
        "totalspotnumber", "total_spot_number", "obs_max",
    ),
    "free": (
        "free", "available", "vacant", "frei", "free_spaces", "available_spaces", "realtime_free_capacity",
        "availablespotnumber", "available_spot_number", "obs_free",
    ),
    "occupied": ("occupied", "belegt", "occupied_spaces", "occupiedspotnumber", "occupied_spot_number"),
    "live_capacity": ("realtime_capacity",),
    "at": (
        "at", "last_updated", "lastupdated", "updated_at", "realtime_data_updated_at", "timestamp", "timestamp_utc",
        "published", "observationdatetime", "observed_at", "obs_ts",
    ),
    "state": ("realtime_opening_status", "opening_status", "state", "status"),
    "kind": ("kind", "type", "lot_type", "category"),
    "address": ("address", "adresse"),
    "opening_hours": ("opening_hours", "openinghours"),
    "height_cm": ("height_cm", "max_height"),
    "url": ("url", "public_url", "link", "park_url"),
}  # fmt: skip

KINDS: Final[Mapping[str, str]] = {
    "on_street": "street",
    "street": "street",
    "strasse": "street",
    "straße": "street",
    "underground": "underground",
    "tiefgarage": "underground",
    "car_park": "garage",
    "garage": "garage",
    "parkhaus": "garage",
    "off_street_parking_ground": "ground",
    "parkplatz": "ground",
    "lot": "ground",
}

_OPEN = frozenset({"open", "full", "almostfull", "almost_full", "spacesavailable", "offen"})
_CLOSED = frozenset({"closed", "closedabnormal", "geschlossen", "0", "-1"})


def neutral_names(given: Iterable[object]) -> dict[str, str]:
    """For each neutral name the first of `given` that stands for it."""
    by_spelling: dict[str, str] = {}
    for name in given:
        by_spelling.setdefault(_spelled(str(name)), str(name))
    found = {}
    for neutral, spellings in NAMES.items():
        match = next((by_spelling[spelling] for spelling in spellings if spelling in by_spelling), None)
        if match is not None:
            found[neutral] = match
    return found


def row_of(
    index: int,
    values: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    position: tuple[Any, Any] | None = None,
    uid: Any = None,
    epsg: int | None = None,
    zone: ZoneInfo | None = None,
) -> Row:
    """The neutral row of `values`, whose fields `names` maps; `position` (lat, lon), `uid` when they lie elsewhere."""
    found = {neutral: values.get(name) for neutral, name in names.items()}
    state = found.pop("state", None)
    name = found.pop("name", None)
    if isinstance(name, dict):  # {"zh": ..., "en": ...}, as this service itself writes names
        found["name_en"], name = name.get("en"), name.get("zh")
    if position is not None:
        found["lat"], found["lon"] = position
    own = found.pop("uid", None)
    has_place = "lat" in found or "lon" in found
    is_live = "free" in found or "occupied" in found or state is not None
    return Row(
        index=index,
        uid=uid if own in (None, "") else own,
        name=name,
        kind=_kind(found.pop("kind", None)),
        closed=_closed(state),
        is_static=has_place or not is_live,
        is_live=is_live,
        epsg=epsg,
        zone=zone,
        names=dict(names),
        **{neutral: None if value == "" else value for neutral, value in found.items()},
    )


def _spelled(name: str) -> str:
    """Lower case with single underscores: `Last Updated` and `lastUpdated` stay apart, both are known."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def _kind(value: Any) -> str | None:
    return KINDS.get(value.strip().lower()) if isinstance(value, str) else None


def _closed(value: Any) -> bool | None:
    word = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if word in _CLOSED:
        return True
    return False if word in _OPEN else None
