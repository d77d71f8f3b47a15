"""A body that is wrong in many places is told all of them, each by the name of its field."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kernel.edge_problems import MalformedBody
from kernel.json_body import FAULTS_MAX, Body, parse


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Place(Strict):
    lat: float
    lon: float


class Zone(Strict):
    zone: str
    capacity: Annotated[int, Field(ge=0)] | None = None


class Window(Strict):
    from_: str = Field(alias="from", default="")
    places: dict[str, Place] = {}


class Wanted(Strict):
    name: str
    capacity: int
    position: Place
    zones: list[
        Annotated[Zone, BeforeValidator(lambda given: {"zone": given} if isinstance(given, str) else given)]
    ] = []
    window: Window | None = None


BODY = Body.of("wanted", Wanted, optional=False)


def faults(raw: bytes) -> list[dict[str, Any]]:
    with pytest.raises(MalformedBody) as refused:
        BODY.validate(raw, parse(raw))
    found: list[dict[str, Any]] = refused.value.document()["errors"]
    assert {fault["in"] for fault in found} == {"body"}
    return found


def test_every_fault_is_named_by_its_field() -> None:
    found = faults(
        b"""{"nme": "x", "capacity": "many", "position": {"lat": 41.8, "long": 123.4, "datum": "x"},
             "zones": ["A", {"zone": "B", "capcity": 3, "capacity": -1}, 7],
             "window": {"form": "08:00", "places": {"a": {"lat": 1, "lon": 2, "alt": 3}}}}"""
    )
    assert {fault["field"]: fault["message"] for fault in found} == {
        "name": "is required",
        "capacity": "must be a whole number",
        "position.lon": "is required",
        "position.long": "is not known here: did you mean lon?",
        "position.datum": "is not known here: known are lat, lon",
        "zones.1.capacity": "should be greater than or equal to 0",
        "zones.1.capcity": "is not known here: did you mean capacity?",
        "zones.2": "must be an object",
        "window.form": "is not known here: did you mean from?",
        "window.places.a.alt": "is not known here: did you mean lat?",
        "nme": "is not known here: did you mean name?",
    }


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"": 1}', '""'),
        (b'{"%s": 1}' % (b"x" * 5_000), "x" * 80 + "\N{HORIZONTAL ELLIPSIS}"),
        (b"[]", ""),
        (b"{", ""),
    ],
)
def test_only_what_is_no_object_has_no_field(raw: bytes, field: str) -> None:
    assert field in [fault["field"] for fault in faults(raw)]


def test_what_no_text_or_number_can_be_is_named_in_every_place() -> None:
    found = faults(b'{"name": "a\\u0000b", "capacity": 12345678901234567890, "zones": [{"zone": "\\u0000"}]}')
    assert [fault["field"] for fault in found] == ["name", "capacity", "zones.0.zone"]


def test_the_list_is_bounded() -> None:
    many = b",".join(b'"field_%d": 1' % number for number in range(500))
    assert len(faults(b"{" + many + b"}")) == FAULTS_MAX
    assert len(faults(b'{"a": [' + b",".join([b'"\\u0000"'] * 500) + b"]}")) == FAULTS_MAX
