"""Each format read from a small sample: the fields, the refusals, the slugs, the metres."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from registry.feeds.projection import grid_of, to_degrees
from registry.feeds.read_feed import read_feed
from registry.feeds.records import Accepted, Feed, FeedOptions, Refused
from registry.feeds.slugs import hashed_slug, is_own_slug, operator_slug, prefixed_slug

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "feeds"
SHANGHAI = FeedOptions(ZoneInfo("Asia/Shanghai"))
BERLIN = FeedOptions(ZoneInfo("Europe/Berlin"))


def read(content: bytes | str | object, options: FeedOptions = BERLIN) -> Feed:
    if isinstance(content, str):
        content = content.encode()
    return read_feed(content if isinstance(content, bytes) else orjson.dumps(content), options)


def accepted(feed: Feed) -> list[Accepted]:
    return [record for record in feed.records if isinstance(record, Accepted)]


def refused(feed: Feed) -> list[tuple[int, str, str]]:
    return [(record.index, record.field, record.reason) for record in feed.records if isinstance(record, Refused)]


def test_datex2_facilities() -> None:
    feed = read((SAMPLES / "datex2_static.xml").read_bytes())
    site = accepted(feed)[0].site
    assert (feed.format, feed.operator) == ("datex2-static", "DE-MDM-Teststadt")
    assert site is not None
    assert (site.uid, site.name_zh, site.capacity, site.height_cm) == ("p1", "Rathaus", 100, 205)
    assert (site.lat, site.lon, site.opening_hours) == (48.77, 9.18, "Mo 07:00-22:00; Su 00:00-24:00")


def test_datex2_records_of_version_2_3() -> None:
    feed = read(
        '<d2:m xmlns:d2="http://datex2.eu/schema/2/2_0" xmlns:x="http://www.w3.org/2001/XMLSchema-instance">'
        '<d2:parkingRecord id="r1"><d2:parkingName><d2:values><d2:value>Hafen</d2:value></d2:values></d2:parkingName>'
        "<d2:parkingNumberOfSpaces>30</d2:parkingNumberOfSpaces><d2:parkingLocation><d2:pointByCoordinates>"
        "<d2:pointCoordinates><d2:latitude>53.5</d2:latitude><d2:longitude>10</d2:longitude></d2:pointCoordinates>"
        "</d2:pointByCoordinates></d2:parkingLocation></d2:parkingRecord>"
        '<d2:parkingRecordStatus><d2:parkingRecordReference id="r1"/><d2:parkingOccupancy>'
        "<d2:parkingNumberOfVacantSpaces>7</d2:parkingNumberOfVacantSpaces></d2:parkingOccupancy>"
        "<d2:parkingStatusOriginTime>2026-01-01T00:00:00Z</d2:parkingStatusOriginTime></d2:parkingRecordStatus></d2:m>"
    )
    static, live = accepted(feed)
    assert static.site is not None
    assert (static.site.name_en, static.site.capacity) == ("Hafen", 30)
    assert live.reading is not None
    assert (live.reading.free, live.reading.at) == (7, datetime(2026, 1, 1, tzinfo=UTC))


def test_freiburg_with_its_metres_and_states() -> None:
    point = {"type": "Point", "coordinates": [413824.9, 5317088.9]}
    properties = {"obs_parkid": "13", "obs_max": "105", "obs_free": "56", "obs_ts": "2024-06-10 10:20:00"}
    feed = read(
        {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}},
            "features": [
                {"geometry": point, "properties": {**properties, "obs_state": "1", "park_name": "Unterführung"}},
                {
                    "geometry": point,
                    "properties": {**properties, "obs_state": "0", "obs_parkid": "14", "obs_free": "0"},
                },
                {"geometry": point, "properties": {**properties, "obs_state": "0", "obs_parkid": "15"}},
                {"geometry": point, "properties": {**properties, "obs_state": "1", "obs_parkid": "16", "obs_max": "9"}},
            ],
        }
    )
    assert (feed.format, feed.operator) == ("freiburg", "freiburg")
    first, second, *_ = accepted(feed)
    assert first.site is not None
    assert first.reading is not None
    assert [first.site.lat, first.site.lon] == pytest.approx([48.0013, 7.8447], abs=1e-4)
    assert first.reading.at == datetime(2024, 6, 10, 8, 20, tzinfo=UTC)
    assert second.reading is not None
    assert second.reading.closed is True
    assert refused(feed) == [(2, "obs_free", "closed_with_free"), (3, "obs_free", "free_exceeds_capacity")]
    assert all(record.site is not None for record in accepted(feed))


def test_basel_and_other_opendatasoft_exports() -> None:
    record = {
        "id2": "steinen",
        "name": "Steinen",
        "title": "Parkhaus Steinen",
        "free": 244,
        "total": 526,
        "published": "2024-07-28T12:06:00+00:00",
        "geo_point_2d": {"lon": 7.58, "lat": 47.55},
        "link": "https://www.parkleitsystem-basel.ch/parkhaus/steinen",
    }
    for document in (
        [record],
        {"results": [record]},
        {"records": [{"fields": {**record, "geo_point_2d": [47.55, 7.58]}}]},
    ):
        feed = read(document)
        (taken,) = accepted(feed)
        assert (feed.format, feed.operator, taken.uid) == ("basel", "basel", "steinen")
        assert taken.site is not None
        assert taken.reading is not None
        assert (taken.site.lat, taken.site.lon, taken.site.capacity, taken.reading.free) == (47.55, 7.58, 526, 244)


def test_parkapi_of_both_ages() -> None:
    new = read(
        {
            "items": [
                {
                    "id": 4,
                    "original_uid": "abc",
                    "name": "P",
                    "lat": "48.5",
                    "lon": "9.1",
                    "capacity": 50,
                    "type": "ON_STREET",
                    "max_height": 210,
                    "realtime_free_capacity": 60,
                    "realtime_capacity": 55,
                    "realtime_data_updated_at": "2026-01-01T00:00:00Z",
                }
            ]
        }
    )
    assert new.format == "parkapi"
    site = accepted(new)[0].site
    assert site is not None
    assert (site.uid, site.kind, site.height_cm, site.lat) == ("4", "street", 210, 48.5)
    assert refused(new) == [(0, "realtime_free_capacity", "free_exceeds_capacity")]
    old = read(
        {
            "last_updated": "2026-01-01T12:00:00",
            "lots": [
                {"id": "dresdenaltmarkt", "name": "Altmarkt", "total": 400, "free": 20, "state": "open",
                 "coords": {"lat": 51.05, "lng": 13.74}, "lot_type": "Tiefgarage"},
                {"id": "nowhere", "name": "N", "total": 4, "free": 2, "state": "nodata", "coords": None},
            ],
        }
    )  # fmt: skip
    assert old.format == "parkapi-lots"
    lot = accepted(old)[0]
    assert lot.site is not None
    assert lot.reading is not None
    assert (lot.site.kind, lot.reading.at, lot.reading.closed) == (
        "underground",
        datetime(2026, 1, 1, 12, tzinfo=UTC),
        False,
    )
    assert refused(old) == [(1, "coords", "missing_field")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_any_usual_dress(encoding: str) -> None:
    lines = [
        "ID;Name;Latitude;Longitude;Capacity;Free;Last Updated",
        '1;"北门; 停车场";41,8;123,4;10;3;2026-01-01 08:00',
        "",
        "2;x;;;5;;",
    ]
    text = "\r\n".join(lines)
    feed = read(text.encode(encoding), SHANGHAI)
    assert feed.format == "csv"
    (taken,) = accepted(feed)
    assert taken.site is not None
    assert taken.reading is not None
    assert (taken.site.name_zh, taken.site.lat, taken.reading.at) == (
        "北门; 停车场",
        41.8,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert refused(feed) == [(1, "Latitude", "missing_field")]


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("a,91,0,5,1", "lat", "latitude_out_of_range"),
        ("a,1,181,5,1", "lon", "longitude_out_of_range"),
        ("a,0,0,5,1", "lat", "position_zero"),
        ("a,x,1,5,1", "lat", "not_a_number"),
        ("a,nan,1,5,1", "lat", "not_a_number"),
        ("a,1,1,-5,", "capacity", "negative"),
        ("a,1,1,5.5,", "capacity", "not_a_number"),
        ("a,1,1,999999,", "capacity", "too_large"),
        ("a,1,1,5,-1", "free", "negative"),
        ("a,1,1,5,many", "free", "not_a_number"),
        (",1,1,5,1", "id", "missing_field"),
    ],
)
def test_reasons(row: str, field: str, reason: str) -> None:
    assert refused(read(f"id,lat,lon,capacity,free\n{row}\n"))[0] == (0, field, reason)


def test_details_that_cannot_be_read_are_left_out_and_told() -> None:
    feed = read("id,lat,lon,capacity,opening_hours,max_height\na,1,1,5,sometimes,tall\n")
    site = accepted(feed)[0].site
    assert site is not None
    assert (site.opening_hours, site.height_cm) == (None, None)
    assert refused(feed) == [
        (0, "opening_hours", "opening_hours_invalid"),
        (0, "max_height", "height_invalid"),
    ]


def test_metres_of_known_grids_become_degrees() -> None:
    def near(epsg: int, easting: float, northing: float, lat: float, lon: float) -> None:
        grid = grid_of(epsg)
        assert grid is not None
        assert to_degrees(grid, easting, northing) == pytest.approx((lat, lon), abs=1e-5)

    near(32631, 500_000.0, 0.0, 0.0, 3.0)
    near(32733, 500_000.0, 10_000_000.0, 0.0, 15.0)
    near(25832, 512_788.0, 5_402_496.0, 48.7753356, 9.1740553)
    near(32617, 630_084.0, 4_833_438.0, 43.642564, -79.387139)  # the CN Tower, as its article has it
    assert grid_of(4326) is None
    assert grid_of(3857) is None
    grid = grid_of(25832)
    assert grid is not None
    assert to_degrees(grid, 1e9, 1e9) is None


def test_slugs() -> None:
    assert prefixed_slug("freiburg", "13") == "freiburg-13"
    assert operator_slug("DE-MDM-Stadt Stuttgart") == "de-mdm-stadt-stuttgart"
    assert prefixed_slug("x", "Bad. Bahnhof") == hashed_slug("x", "Bad. Bahnhof") != prefixed_slug("x", "bad bahnhof")
    assert prefixed_slug("x", "P1") != prefixed_slug("x", "p1")
    assert is_own_slug("sy-heping-017")
    assert not is_own_slug("17")
    assert not is_own_slug("P1")
    assert operator_slug("停车").startswith("feed-")


def test_a_nest_of_records_ends_soon() -> None:
    nest = b"<parkingFacility id='1'>" * 20_000 + b"</parkingFacility>" * 20_000
    assert refused(read(nest)) == [(0, "latitude", "missing_field")]
    tags = b"<a>" * 2_000_001
    assert refused(read(tags)) == [(-1, "", "too_large")]
