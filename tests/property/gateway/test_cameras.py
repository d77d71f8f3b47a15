"""Whatever a camera sends is a reading, nothing to heed, or a reason: never an exception."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from gateway.cameras import hikvision, vzenith
from gateway.cameras.form import FormReader
from gateway.cameras.reading import CameraReading, Unheeded, passage_of
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import camera_topic
from gateway.directory import KnownCarPark
from gateway.events import Refused

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SETTINGS = CameraSettings(lane="E1", direction="entry")
CAR_PARK = KnownCarPark(CarParkId("mall-1"), "op", 100, "1", {}, {}, frozenset())

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def check(said: CameraReading | Unheeded | Refused) -> None:
    assert isinstance(said, CameraReading | Unheeded | Refused)
    if isinstance(said, CameraReading):
        assert said.at.tzinfo is UTC
        assert said.confidence is None or 0 <= said.confidence <= 1
        passage = passage_of(said, SETTINGS, CAR_PARK, NOW)
        assert isinstance(passage, PassageSeen | Refused)
        if isinstance(passage, PassageSeen):
            assert passage.at <= NOW
            assert passage.id.isprintable()
            assert "\0" not in (passage.plate or "")


@given(st.binary(max_size=400))
def test_any_bytes_as_a_vzenith_result(payload: bytes) -> None:
    check(vzenith.read_result("sn", payload))


@given(
    license_=st.text(max_size=24) | st.binary(max_size=24),
    members=st.dictionaries(
        st.sampled_from(["colorType", "type", "confidence", "direction", "isoffline", "plateid", "imagePath"]), anything
    ),
    sec=st.integers(),
    usec=st.integers(-5, 2_000_000),
)
def test_any_members_of_a_vzenith_result(license_: str | bytes, members: dict[str, Any], sec: int, usec: int) -> None:
    said = license_ if isinstance(license_, str) else base64.b64encode(license_).decode()
    result = {**members, "license": said, "timeStamp": {"Timeval": {"sec": sec, "usec": usec}}}
    message = {"payload": {"AlarmInfoPlate": {"result": {"PlateResult": result}}}}
    check(vzenith.read_result("sn", json.dumps(message).encode()))


@given(st.binary(max_size=400))
def test_any_bytes_as_a_hikvision_event(payload: bytes) -> None:
    check(hikvision.read_event("cam", payload, None))


@given(anything)
def test_any_json_as_a_hikvision_event(value: Any) -> None:
    check(hikvision.read_event("cam", json.dumps({"eventType": "ANPR", "ANPR": value}).encode(), None))


@given(plate=text, when=st.text(max_size=30) | st.datetimes().map(lambda at: at.isoformat() + "+08:00"), other=text)
def test_any_text_in_a_hikvision_event(plate: str, when: str, other: str) -> None:
    said = {"dateTime": when, "eventType": "ANPR", "ANPR": {"licensePlate": plate, "line": other, "direction": other}}
    check(hikvision.read_event("cam", json.dumps({"EventNotificationAlert": said}).encode(), None))


@given(st.binary(max_size=600), st.text(max_size=60), st.lists(st.integers(1, 50), max_size=20))
def test_any_body_as_a_form(body: bytes, content_type: str, cuts: list[int]) -> None:
    form = FormReader(content_type)
    for start in range(0, len(body), max(cuts, default=7)):
        form.feed(body[start : start + max(cuts, default=7)])
    form.finish()
    assert all(0 < len(event.payload) <= 65_536 for event in form.events)


@given(
    event=st.binary(max_size=300).filter(lambda data: b"--cut" not in data),
    pictures=st.lists(st.binary(min_size=1, max_size=300).filter(lambda data: b"--cut" not in data), max_size=4),
    newline=st.sampled_from([b"\r\n", b"\n"]),
    size=st.integers(1, 200),
    named=st.booleans(),
)
def test_a_form_says_the_same_however_it_is_cut(
    event: bytes, pictures: list[bytes], newline: bytes, size: int, *, named: bool
) -> None:
    event = b"<a>" + event + b"</a>"
    pictures = [b"\xff\xd8" + picture + b"\xff\xd9" for picture in pictures]
    parts = [b"Content-Type: application/xml", b"Content-Type: image/jpeg"]
    body = b""
    for index, data in enumerate([event, *pictures]):
        body += b"--cut" + newline + parts[min(index, 1)] + newline * 2 + data + newline
    body += b"--cut--" + newline
    form = FormReader("multipart/form-data; boundary=cut" if named else "application/octet-stream")
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    form.finish()
    assert [one.payload for one in form.events] == [event]


@given(st.text(max_size=60))
def test_any_topic(topic: str) -> None:
    said = camera_topic(topic)
    assert said is None or said.device
