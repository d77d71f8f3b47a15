"""District shapes: Shenyang's as packaged, a city's own, and what is no such file."""

from pathlib import Path

import pytest

from registry.districts import BadDistricts, load_districts, parse_districts
from registry.settings import RegistrySettings

SQUARE = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"a","name":{"zh":"甲","en":"A"}},'
    '"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}'
)


def test_thirteen_districts_of_shenyang() -> None:
    districts = load_districts()
    assert len(districts.all) == 13
    assert districts.at(41.7975, 123.457) == "shenhe"
    assert districts.at(39.9, 116.4) is None
    assert districts.all[0].name.zh.endswith("区")


def test_a_city_puts_its_own_file_in_their_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.geojson"
    file.write_text(SQUARE, encoding="utf-8")
    settings = RegistrySettings(districts_file=file)
    districts = load_districts(settings.districts_file)
    assert (districts.at(0.5, 0.5), districts.at(0, 0), districts.at(2, 2)) == ("a", "a", None)
    assert districts.geojson == SQUARE.encode()
    assert districts.etag != load_districts().etag


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        '{"features":[]}',
        '{"features":[{}]}',
        SQUARE.replace("Polygon", "Blob"),
        SQUARE.replace('"Polygon"', '"LineString"').replace("[[[", "[[").replace("]]]", "]]"),
        SQUARE.replace("[1,1],[0,1]", "[0,1],[1,1]"),
    ],
)
def test_what_is_no_districts_file(broken: str) -> None:
    with pytest.raises(BadDistricts):
        parse_districts(broken.encode())


def test_an_unknown_time_zone_is_no_setting() -> None:
    with pytest.raises(ValueError, match="IANA"):
        RegistrySettings(time_zone="Mars/Olympus")
