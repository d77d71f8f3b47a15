"""What of `near`, `bbox` is taken, and in which words the rest is refused."""

import pytest

from contracts.near import parse_near
from contracts.positions import Datum
from kernel.http import InvalidParameter
from occupancy.http.find import Box, parse_bbox


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123.38,41.77,123.46,41.82", Box(123.38, 41.77, 123.46, 41.82)),
        ("41.77,123.38,41.82,123.46", Box(123.38, 41.77, 123.46, 41.82)),
        (" -180 , -90 , 180 , 90 ", Box(-180, -90, 180, 90)),
        ("-3,51,1,52", Box(-3, 51, 1, 52)),
        ("5,5,5,5", Box(5, 5, 5, 5)),
    ],
)
def test_a_box(text: str, expected: Box) -> None:
    assert parse_bbox(text, Datum.WGS84) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("123,95,124,96", "latitude 95 is not within -90 and 90"),
        ("123,41,124,90.5", "latitude 90.5 is not within -90 and 90"),
        ("0,91,1,92", "latitude 91 is not within -90 and 90"),
        ("-10,95,10,100", "latitude 95 is not within -90 and 90"),
        ("0,-100,10,100", "latitude -100 is not within -90 and 90"),
        ("181,41,182,42", "longitude 181 is not within -180 and 180"),
        ("-200,41,124,42", "longitude -200 is not within -180 and 180"),
        ("41.77,223,41.82,224", "latitude 223 is not within -90 and 90"),
        ("124,41,123,42", "west 124 is east of east 123"),
        ("123,42,124,41", "south 42 is north of north 41"),
        ("41.82,123.38,41.77,123.46", "south 41.82 is north of north 41.77"),
        ("1,2,3", "west,south,east,north"),
        ("a,b,c,d", "west,south,east,north"),
        ("", "west,south,east,north"),
        ("nan,1,2,3", "west,south,east,north"),
        ("1e1,1,20,3", "west,south,east,north"),
    ],
)
def test_a_box_that_is_none(text: str, why: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse_bbox(text, Datum.WGS84)
    (error,) = refusal.value.members["errors"]
    assert (error["in"], error["field"]) == ("query", "bbox")
    assert why in error["message"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("95,123", "latitude 95 is not within -90 and 90"),
        ("123.4,41.8", "latitude 123.4 is not within -90 and 90"),
        ("41.8,-181", "longitude -181 is not within -180 and 180"),
        ("41.8", "write lat,lon"),
        ("41.8,123.4,5", "write lat,lon"),
        ("inf,0", "write lat,lon"),
    ],
)
def test_a_place_that_is_none(text: str, why: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse_near(text, Datum.WGS84)
    (error,) = refusal.value.members["errors"]
    assert (error["in"], error["field"]) == ("query", "near")
    assert why in error["message"]


def test_the_poles_and_the_date_line_are_places() -> None:
    assert parse_near("90,-180", Datum.WGS84) == (90, -180)
    assert parse_near("-90,180", Datum.GCJ02) == (-90, 180)
