"""From a row of any format to accepted and refused records: the checks that every feed goes through.

One bad value costs what depends on it and nothing else: a record whose position is nonsense still says how full it is,
and one whose free count is nonsense still says where it stands.
"""

from collections.abc import Iterable, Iterator

from opening_hours import validate as is_opening_hours

from contracts.positions import NULL_ISLAND
from registry.feeds.projection import Grid, grid_of, to_degrees
from registry.feeds.records import Accepted, Bad, FeedOptions, Reading, Refused, Row, Site
from registry.feeds.values import decimal, moment, shown, text, whole

HEIGHT_CM_MIN, HEIGHT_CM_MAX = 50, 10_000


def interpret(rows: Iterable[Row | Refused], options: FeedOptions) -> Iterator[Accepted | Refused]:
    """The records of `rows`; those that a format refused itself pass through."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        uid = text(row.uid)
        if uid is None:
            yield _refused(row, None, Bad("uid", "missing_field", "the record has no id"))
            continue
        parts = {(uid, part) for part, has in (("static", row.is_static), ("live", row.is_live)) if has}
        if parts & seen:
            yield _refused(row, uid, Bad("uid", "duplicate_id", f"{uid} was in the feed before: the first one counts"))
            continue
        seen |= parts
        yield from _record(row, uid, options)


def against_capacity(free: int | None, capacity: int | None) -> str | None:
    """What is wrong with `free` spaces out of `capacity`, in words."""
    if free is not None and capacity is not None and free > capacity:
        return f"{free} free, but only {capacity} spaces"
    return None


def _record(row: Row, uid: str, options: FeedOptions) -> Iterator[Accepted | Refused]:
    site: Site | None = None
    reading: Reading | None = None
    if row.is_static:
        try:
            site = _site(row, uid, options)
        except Bad as bad:
            yield _refused(row, uid, bad)
        else:
            yield from _lost_details(row, uid)
    if row.is_live and (row.free, row.occupied, row.closed) != (None, None, None):
        try:
            reading = _reading(row, uid, options, site)
        except Bad as bad:
            yield _refused(row, uid, bad)
    if not row.is_static and (row.free, row.occupied, row.closed) == (None, None, None):
        yield _refused(row, uid, Bad("free", "missing_field", "the record does not say how full it is"))
    if site is not None or reading is not None:
        yield Accepted(row.index, uid, site, reading)


def _site(row: Row, uid: str, options: FeedOptions) -> Site:
    lat, lon = _position(row, options)
    capacity = whole(row.capacity, "capacity")
    if capacity is None:
        raise Bad("capacity", "missing_field", "the record does not say how many spaces there are")
    return Site(
        uid=uid,
        name_zh=text(row.name) or text(row.name_en) or uid,
        name_en=text(row.name_en) or text(row.name) or uid,
        lat=lat,
        lon=lon,
        capacity=capacity,
        kind=text(row.kind),
        address=text(row.address),
        opening_hours=_hours(row),
        height_cm=_height(row),
        url=text(row.url),
    )


def _position(row: Row, options: FeedOptions) -> tuple[float, float]:
    lat, lon = decimal(row.lat, "lat"), decimal(row.lon, "lon")
    if lat is None or lon is None:
        raise Bad("lat" if lat is None else "lon", "missing_field", "the record does not say where it is")
    epsg = row.epsg or (options.epsg if abs(lat) > 90 or abs(lon) > 180 else None)
    if epsg is not None:
        return _projected(epsg, lat, lon)
    if abs(lat) > 90:
        metres = "; it looks like metres of a projection: import again with its EPSG code" if abs(lat) > 1000 else ""
        raise Bad("lat", "latitude_out_of_range", f"{shown(row.lat)} is not a latitude in degrees{metres}")
    if abs(lon) > 180:
        raise Bad("lon", "longitude_out_of_range", f"{shown(row.lon)} is not a longitude in degrees")
    if lat == 0 and lon == 0:
        raise Bad("lat", "position_zero", NULL_ISLAND)
    return lat, lon


def _projected(epsg: int, northing: float, easting: float) -> tuple[float, float]:
    grid: Grid | None = grid_of(epsg)
    if grid is None:
        raise Bad("lat", "unknown_projection", f"EPSG:{epsg} is not a projection that is read here")
    position = to_degrees(grid, easting, northing)
    if position is None:
        raise Bad("lat", "latitude_out_of_range", f"{easting}, {northing} lies outside EPSG:{epsg}")
    return position


def _reading(row: Row, uid: str, options: FeedOptions, site: Site | None) -> Reading:
    free, occupied = whole(row.free, "free"), whole(row.occupied, "occupied")
    capacity = whole(row.live_capacity, "live_capacity")
    if capacity is None and site is not None:
        capacity = site.capacity
    at = moment(row.at, row.zone or options.zone, "at")
    if row.closed and free:
        raise Bad("free", "closed_with_free", f"closed, and yet {free} free")
    over = against_capacity(free, capacity)
    if over is not None:
        raise Bad("free", "free_exceeds_capacity", over)
    return Reading(uid, free, occupied, capacity, at, row.closed)


def _lost_details(row: Row, uid: str) -> Iterator[Refused]:
    """Details that could not be read, while the record itself could."""
    if text(row.opening_hours) is not None and _hours(row) is None:
        said = shown(row.opening_hours)
        yield _refused(row, uid, Bad("opening_hours", "opening_hours_invalid", f"{said} is not OSM syntax: left out"))
    if row.height_cm not in (None, "") and _height(row) is None:
        said = shown(row.height_cm)
        yield _refused(row, uid, Bad("height_cm", "height_invalid", f"{said} is no height in centimetres: left out"))


def _hours(row: Row) -> str | None:
    hours = text(row.opening_hours)
    return hours if hours is not None and is_opening_hours(hours) else None


def _height(row: Row) -> int | None:
    try:
        height = decimal(row.height_cm, "height_cm")
    except Bad:
        return None
    return round(height) if height is not None and HEIGHT_CM_MIN <= height <= HEIGHT_CM_MAX else None


def _refused(row: Row, uid: str | None, bad: Bad) -> Refused:
    return Refused(row.index, uid, row.names.get(bad.field, bad.field), bad.reason, bad.detail)
