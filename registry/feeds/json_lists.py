"""JSON lists of car parks: ParkAPI v3 (`items`), the older ParkAPI (`lots`), Opendatasoft records such as Basel's."""

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from registry.feeds.records import Refused, Row
from registry.feeds.table import neutral_names, row_of

LISTS: Final = ("items", "parking_sites", "car_parks", "sites", "data")
RECORD_LISTS: Final = ("results", "records")
_UTC = ZoneInfo("UTC")


def parkapi_items(document: Any) -> list[Any] | None:
    """The records of a ParkAPI v3 answer, or of any bare list of objects that have an id; None when it is neither."""
    found = document
    if isinstance(document, dict):
        found = next((document[name] for name in LISTS if isinstance(document.get(name), list)), None)
    if not isinstance(found, list) or not any(isinstance(item, dict) and _has_id(item) for item in found[:50]):
        return None
    return found


def opendatasoft_records(document: Any) -> list[Any] | None:
    """The records of an Opendatasoft export; None when it is none."""
    found = document
    if isinstance(document, dict):
        found = next((document[name] for name in RECORD_LISTS if isinstance(document.get(name), list)), None)
    if not isinstance(found, list):
        return None
    records = [_fields(item) for item in found]
    return records if any(isinstance(item, dict) and "geo_point_2d" in item for item in records[:50]) else None


def parkapi_rows(items: list[Any]) -> Iterator[Row | Refused]:
    """A row for every item; `position` may lie in an object of its own."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            yield Refused(index, None, "", "not_an_object", "the record is not an object")
            continue
        names = neutral_names(item)
        yield row_of(index, item, names, position=_pair(item.get("position")))


def lots_rows(document: dict[str, Any]) -> Iterator[Row | Refused]:
    """A row for every lot; `coords` is an object, `last_updated` of the whole answer is UTC without saying so."""
    lots = document.get("lots")
    for index, lot in enumerate(lots if isinstance(lots, list) else ()):
        if not isinstance(lot, dict):
            yield Refused(index, None, "", "not_an_object", "the lot is not an object")
            continue
        said = {**lot, "last_updated": lot.get("last_updated") or document.get("last_updated")}
        names = neutral_names(said)
        position = _pair(lot.get("coords")) or (None, None)
        yield row_of(index, said, {"lat": "coords", "lon": "coords", **names}, position=position, zone=_UTC)


def opendatasoft_rows(records: list[Any]) -> Iterator[Row | Refused]:
    """A row for every record; Basel's id is `id2`, the position `geo_point_2d` (an object, or latitude, longitude)."""
    for index, record in enumerate(records):
        if not isinstance(record, dict):
            yield Refused(index, None, "", "not_an_object", "the record is not an object")
            continue
        names = neutral_names(record)
        if "id2" in record:
            names["uid"] = "id2"
        place = {"lat": "geo_point_2d", "lon": "geo_point_2d"}
        yield row_of(index, record, {**names, **place}, position=_pair(record.get("geo_point_2d")) or (None, None))


def _has_id(item: dict[str, Any]) -> bool:
    names = neutral_names(item)
    return "uid" in names and len(names) > 1


def _fields(item: Any) -> Any:
    fields = item.get("fields") if isinstance(item, dict) else None
    return fields if isinstance(fields, dict) else item


def _pair(value: Any) -> tuple[Any, Any] | None:
    """Latitude and longitude of `{"lat", "lon"}` or `[lat, lon]`."""
    if isinstance(value, dict):
        return value.get("lat"), value.get("lon", value.get("lng"))
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    return None
