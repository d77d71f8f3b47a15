"""Any bytes: a feed is read or refused, never an exception; and slugs never collide."""

import math
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from registry.feeds.projection import Grid, grid_of, to_degrees
from registry.feeds.read_feed import read_feed
from registry.feeds.records import Accepted, Feed, FeedOptions, Refused
from registry.feeds.slugs import hashed_slug, operator_slug, prefixed_slug
from registry.feeds.table import NAMES

OPTIONS = FeedOptions(ZoneInfo("Asia/Shanghai"))
SAMPLES = sorted((Path(__file__).resolve().parents[2] / "data" / "feeds").iterdir())
SLUG = set("abcdefghijklmnopqrstuvwxyz0123456789-")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["41.8", "123,4", "-1", "closed", "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "24/7", "9" * 30]
    )
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
known_names = st.sampled_from(
    sorted(
        {name for names in NAMES.values() for name in names}
        | {"coords", "geo_point_2d", "id2", "obs_state", "position"}
    )
)
records = st.dictionaries(known_names | st.text(max_size=6), json_values, max_size=12)


def holds(feed: Feed) -> None:
    """What is true of every feed that was read."""
    assert feed.records or feed.format is not None
    uids: Counter[tuple[str, str]] = Counter()
    for record in feed.records:
        if isinstance(record, Refused):
            assert record.reason
            assert record.detail
            assert "\0" not in record.detail
            continue
        assert isinstance(record, Accepted)
        assert record.site is not None or record.reading is not None
        if record.site is not None:
            uids[record.uid, "site"] += 1
            assert -90 <= record.site.lat <= 90
            assert -180 <= record.site.lon <= 180
            assert 0 <= record.site.capacity <= 100_000
            assert record.site.name_zh
        if record.reading is not None:
            uids[record.uid, "reading"] += 1
            reading = record.reading
            assert (reading.free or 0) >= 0
            assert (reading.occupied or 0) >= 0
            assert reading.free is None or reading.capacity is None or reading.free <= reading.capacity
            assert reading.at is None or (reading.at.tzinfo is not None and reading.at.year >= 2000)
    assert all(count == 1 for count in uids.values())


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"[" * 5000)
@example(b"<" + b"a" * 5000)
@example(b"<a>" * 2000)
@example(b'<?xml version="1.0" encoding="utf-99"?><a/>')
@example(b'{"type":"FeatureCollection","features":' + b"[" * 900 + b"]" * 900 + b"}")
@example(b"id,capacity\n" + b'"' + b"x" * 200_000)
def test_any_bytes(content: bytes) -> None:
    holds(read_feed(content, OPTIONS))


@given(st.lists(records | json_values, max_size=4))
def test_any_json_in_the_shape_of_a_feed(items: list[Any]) -> None:
    features = [{"type": "Feature", "id": 1, "properties": item, "geometry": item} for item in items]
    crs = {"properties": {"name": "EPSG:25832"}}
    for document in (
        items,
        {"items": items},
        {"lots": items, "last_updated": 5},
        {"results": items},
        {"records": [{"fields": item} for item in items]},
        {"type": "FeatureCollection", "features": features},
        {"type": "FeatureCollection", "features": features, "crs": crs},
        {"type": "FeatureCollection", "features": items},
    ):
        try:
            content = orjson.dumps(document)
        except TypeError:  # integers beyond 64 bits and lone surrogates are no JSON to begin with
            continue
        holds(read_feed(content, OPTIONS))


@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=8), max_size=5), st.sampled_from(",;\t|"))
def test_any_table(lines: list[list[str]], delimiter: str) -> None:
    header = delimiter.join(["id", "lat", "lon", "capacity", "free", "status", "last_updated"])
    text = "\n".join([header, *(delimiter.join(line) for line in lines)])
    holds(read_feed(text.encode("utf-8", "surrogatepass"), OPTIONS))


@given(st.sampled_from(SAMPLES), st.integers(0, 10_000), st.binary(max_size=6), st.integers(0, 30))
def test_any_sample_with_a_piece_torn_out(sample: Path, at: int, put: bytes, gone: int) -> None:
    content = sample.read_bytes()
    at %= len(content)
    holds(read_feed(content[:at] + put + content[at + gone :], OPTIONS))


@given(st.text(max_size=40), st.text(max_size=80), st.text(max_size=80))
def test_different_ids_have_different_slugs(name: str, one: str, other: str) -> None:
    prefix = operator_slug(name)
    assert set(prefix) <= SLUG
    for slug in (prefixed_slug(prefix, one), hashed_slug(prefix, one)):
        assert set(slug) <= SLUG
        assert 1 <= len(slug) <= 64
    if one != other:
        assert prefixed_slug(prefix, one) != prefixed_slug(prefix, other)


@given(st.integers(0, 40_000), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_any_metres_are_degrees_or_nothing(epsg: int, easting: float, northing: float) -> None:
    grid = grid_of(epsg)
    position = None if grid is None else to_degrees(grid, easting, northing)
    if position is not None:
        assert -90 <= position[0] <= 90
        assert -400 <= position[1] <= 400


def forward(grid: Grid, lat: float, lon: float) -> tuple[float, float]:
    """Easting and northing by another road than the one tested: Snyder (USGS 1395), eqs. 8-9 to 8-12."""
    a, f = 6_378_137.0, 1 / 298.257222101
    e2 = f * (2 - f)
    phi, away = math.radians(lat), math.radians(lon - grid.meridian)
    n = a / math.sqrt(1 - e2 * math.sin(phi) ** 2)
    t, c, ep2 = math.tan(phi) ** 2, e2 / (1 - e2) * math.cos(phi) ** 2, e2 / (1 - e2)
    x = away * math.cos(phi)
    arc = a * (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * math.sin(2 * phi)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * math.sin(4 * phi)
        - (35 * e2**3 / 3072) * math.sin(6 * phi)
    )
    east = n * (x + (1 - t + c) * x**3 / 6 + (5 - 18 * t + t**2 + 72 * c - 58 * ep2) * x**5 / 120)
    north = arc + n * math.tan(phi) * (
        x**2 / 2 + (5 - t + 9 * c + 4 * c**2) * x**4 / 24 + (61 - 58 * t + t**2 + 600 * c - 330 * ep2) * x**6 / 720
    )
    return grid.false_easting_m + grid.scale * east, grid.false_northing_m + grid.scale * north


@given(st.sampled_from([25832, 32651, 32733, 4529, 4549]), st.floats(-75, 75), st.floats(-3, 3))
def test_degrees_to_metres_and_back(epsg: int, lat: float, away: float) -> None:
    grid = grid_of(epsg)
    assert grid is not None
    position = to_degrees(grid, *forward(grid, lat, grid.meridian + away))
    assert position is not None
    assert abs(position[0] - lat) < 1e-6
    assert abs(position[1] - (grid.meridian + away)) < 1e-6
