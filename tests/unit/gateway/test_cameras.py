"""What cameras write, read: vectors of our own, and the makers' where they lie beside the checkout."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from gateway.cameras import hikvision, vzenith
from gateway.cameras.form import FormReader
from gateway.cameras.reading import CameraReading, Unheeded, passage_of
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import camera_topic
from gateway.decode import decode
from gateway.directory import Directory, KnownCarPark
from gateway.events import Decoded, Refused
from gateway.known_device import KnownDevice
from gateway.refusals import Reason

DATA = Path(__file__).resolve().parents[2] / "data" / "cameras"
SN = "c0ffee00-0badcafe"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ENTRY = CameraSettings(lane="E1", direction="entry")
CAR_PARK = KnownCarPark(CarParkId("mall-1"), "op", 100, "1", {}, {}, frozenset({"E1", "X1"}))


def vector(name: str) -> bytes:
    return (DATA / name).read_bytes()


def vz(**result: Any) -> bytes:
    """The result vector with `result` in its place."""
    message = json.loads(vector("vzenith_result.json"))
    message["payload"]["AlarmInfoPlate"]["result"]["PlateResult"].update(result)
    return json.dumps(message).encode()


def encoded(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def hk(plate: str = "辽A12345", *, when: str = "2026-11-23T15:59:50+08:00", more: str = "") -> bytes:
    return (
        f"<EventNotificationAlert><dateTime>{when}</dateTime><eventType>ANPR</eventType><ANPR>"
        f"<licensePlate>{plate}</licensePlate><line>1</line><direction>forward</direction>{more}</ANPR>"
        f"</EventNotificationAlert>"
    ).encode()


def seen(said: object) -> CameraReading:
    assert isinstance(said, CameraReading), said
    return said


def test_a_vzenith_result() -> None:
    reading = seen(vzenith.read_result(SN, vector("vzenith_result.json")))
    assert reading.plate == "辽AD12345"
    assert (reading.color, reading.vehicle_class, reading.confidence) == ("green", "small", 0.96)
    assert reading.at == datetime(2026, 11, 23, 7, 59, 50, 250_000, tzinfo=UTC)
    assert reading.image == "https://pictures.example/a.jpg"


def test_plates_of_vzenith_in_gbk_and_as_they_are() -> None:
    assert seen(vzenith.read_result(SN, vector("vzenith_gbk.json"))).plate == "辽A12345"
    assert seen(vzenith.read_result(SN, vz(license="鲁VF0050"))).plate == "鲁VF0050"
    assert seen(vzenith.read_result(SN, vz(license=encoded("粤ZJ068澳|MX7742|ZM127")))).plate == "粤ZJ068澳"


@pytest.mark.parametrize("text", ["_无_", "无牌车", "", "unknown"])
def test_a_vehicle_without_a_plate_is_a_passage(text: str) -> None:
    assert seen(vzenith.read_result(SN, vz(license=encoded(text)))).plate is None


@pytest.mark.parametrize(
    ("code", "color"),
    [(0, None), (1, "blue"), (2, "yellow"), (3, "white"), (4, "black"), (5, "green"), (6, "yellow_green"), (99, None)],
)
def test_vzenith_colours(code: int, color: str | None) -> None:
    assert seen(vzenith.read_result(SN, vz(colorType=code))).color == color


def test_an_offline_result_keeps_its_own_time() -> None:
    reading = seen(vzenith.read_result(SN, vector("vzenith_offline.json")))
    assert reading.at == NOW - timedelta(hours=2)
    passage = passage_of(reading, ENTRY, CAR_PARK, NOW)
    assert isinstance(passage, PassageSeen)
    assert (passage.at, passage.received_at, passage.plate) == (reading.at, NOW, None)


def test_repeats_are_one_passage_and_other_vehicles_another() -> None:
    first, again = (seen(vzenith.read_result(SN, vz())) for _ in range(2))
    resent = json.loads(vz(isoffline=1, plateid=7003))
    resent.update(id="another", timestamp=1_795_500_000)
    late = seen(vzenith.read_result(SN, json.dumps(resent).encode()))
    assert first.id == again.id == late.id
    others = [
        vzenith.read_result(SN, vz(timeStamp={"Timeval": {"sec": 1_795_420_791, "usec": 250_000}})),
        vzenith.read_result(SN, vz(license=encoded("辽B00001"))),
        vzenith.read_result("c0ffee00-00000002", vz()),
    ]
    assert len({first.id, *(seen(other).id for other in others)}) == 4
    assert len(first.id) <= 64


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"{}", Reason.INVALID_VALUE),
        (b'{"payload":{}}', Reason.MISSING_FIELD),
        (b'{"payload":{"AlarmInfoPlate":{"result":{"PlateResult":{}}}}}', Reason.MISSING_FIELD),
        (vz(license="not base64!"), Reason.INVALID_VALUE),
        (vz(license=base64.b64encode(b"\xff\xff\xff").decode()), Reason.INVALID_VALUE),
        (vz(license=5), Reason.INVALID_VALUE),
        (vz(timeStamp={"Timeval": {"sec": -1}}), Reason.TIME_OUT_OF_RANGE),
        (vz(timeStamp={"Timeval": {"sec": 2**62}}), Reason.TIME_OUT_OF_RANGE),
        (vz(timeStamp={}), Reason.MISSING_FIELD),
    ],
)
def test_a_vzenith_result_that_says_nothing_is_refused(payload: bytes, reason: Reason) -> None:
    said = vzenith.read_result(SN, payload)
    assert isinstance(said, Refused)
    assert said.reason == reason


def test_both_topics_of_vzenith() -> None:
    assert camera_topic(f"device/{SN}/message/up/ivs_result") == ("vzenith-ivs", SN, "ivs_result")
    assert camera_topic(f"{SN}/device/message/up/keep_alive") == ("vzenith-ivs", SN, "keep_alive")
    assert camera_topic("http/hikvision/cam") == ("hikvision-isapi", "cam", "")
    for other in ("parking/v1/op/mall-1/passages", "device/a/message/down/x", "device//message/up/x", "a/b"):
        assert camera_topic(other) is None


def test_a_hikvision_event_with_the_colour_before_the_plate() -> None:
    reading = seen(hikvision.read_event("cam", vector("hikvision_entry.xml"), None))
    assert (reading.plate, reading.color, reading.vehicle_class) == ("辽A12345", "blue", "small")
    assert (reading.confidence, reading.heading, reading.line) == (0.97, "forward", "1")
    assert reading.at == datetime(2026, 11, 23, 7, 59, 50, tzinfo=UTC)


def test_a_hikvision_event_with_prefixed_names() -> None:
    reading = seen(hikvision.read_event("cam", vector("hikvision_prefixed.xml"), None))
    assert (reading.plate, reading.color, reading.confidence) == ("辽AD12345", "green", 0.885)
    assert reading.at.microsecond == 250_000


def test_a_hikvision_event_in_json_of_an_unlicensed_vehicle() -> None:
    reading = seen(hikvision.read_event("cam", vector("hikvision_unknown.json"), None))
    assert (reading.plate, reading.color, reading.confidence, reading.line) == (None, None, 0.0, "1")


def test_a_hikvision_event_without_a_part_of_its_own() -> None:
    said = b"<EventNotificationAlert><dateTime>2026-11-23T07:59:50Z</dateTime><eventType>ANPR</eventType>"
    said += b"<licensePlate>ABC123</licensePlate><confidenceLevel>92</confidenceLevel></EventNotificationAlert>"
    reading = seen(hikvision.read_event("cam", said, None))
    assert (reading.plate, reading.confidence) == ("ABC123", 0.92)


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize(
    "body",
    [
        b'--cut\r\nContent-Disposition: form-data; name="event_log"\r\n{"eventType":"ANPR"}\r\n--cut--\r\n',
        b'--cut\nContent-Disposition: form-data; name="ANPR.xml"; filename="ANPR.xml";\n\n{"eventType":"ANPR"}\n--cut',
        b'--cut\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"eventType":"ANPR"}',
    ],
)
def test_forms_as_they_are_in_the_field(body: bytes, size: int) -> None:
    form = FormReader("multipart/form-data, boundary=cut")
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    form.finish()
    assert [event.payload for event in form.events] == [b'{"eventType":"ANPR"}']


FORM = b"--B\r\nContent-Type: application/xml\r\n\r\n<a/>\r\n--B--\r\n"


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize("boundary", ["--B", "other", '"B"', "B"])
@pytest.mark.parametrize("body", [FORM, b"\r\n" + FORM, b"\n" + FORM, b"<a/>", b"\r\n<a/>"])
def test_the_body_says_what_its_boundary_is(body: bytes, boundary: str, size: int) -> None:
    form = FormReader(f"multipart/form-data; boundary={boundary}")
    for start in range(0, len(body), size):
        form.feed(body[start : start + size])
    form.finish()
    assert [event.payload.strip() for event in form.events] == [b"<a/>"]


def test_what_stands_before_the_first_boundary_is_passed_over() -> None:
    form = FormReader("multipart/form-data; boundary=B")
    form.feed(b"to whom it may concern\r\n" + FORM)
    form.finish()
    assert [event.payload for event in form.events] == [b"<a/>"]


@pytest.mark.parametrize("later", [b"<", b"{"])
def test_a_picture_is_one_whatever_comes_in_the_middle_of_it(later: bytes) -> None:
    """Its type and name tell nothing, and it has more bytes than an event may have."""
    form = FormReader("multipart/form-data; boundary=B")
    form.feed(b"--B\r\nContent-Type: application/octet-stream\r\n\r\n\xff\xd8" + b"\1" * 70_000)
    for _ in range(20):
        form.feed(later)
    form.feed(b"\r\n" + FORM)
    form.finish()
    assert [event.payload for event in form.events] == [b"<a/>"]


def test_hikvision_heartbeats_are_no_refusal() -> None:
    assert isinstance(hikvision.read_event("cam", vector("hikvision_heartbeat.xml"), None), Unheeded)


@pytest.mark.parametrize(
    ("written", "plate", "color"),
    [
        ("黄绿辽A12345", "辽A12345", "yellow_green"),
        ("黑A12345", "黑A12345", None),
        ("黑黑A12345", "黑A12345", "black"),
        ("WX1234A", "WX1234A", None),
        ("蓝", "蓝", None),
        ("noPlate", None, None),
        ("无车牌", None, None),
        ("", None, None),
    ],
)
def test_what_hikvision_writes_for_a_plate(written: str, plate: str | None, color: str | None) -> None:
    reading = seen(hikvision.read_event("cam", hk(written), None))
    assert (reading.plate, reading.color) == (plate, color)


def test_hikvision_repeats_are_one_passage() -> None:
    first = seen(hikvision.read_event("cam", hk(), None))
    again = seen(hikvision.read_event("cam", hk(more="<confidenceLevel>9</confidenceLevel>"), None))
    others = [hk("辽B1"), hk(when="2026-11-23T15:59:51+08:00")]
    assert first.id == again.id
    assert len({first.id, *(seen(hikvision.read_event("cam", other, None)).id for other in others)}) == 3
    assert seen(hikvision.read_event("cam2", hk(), None)).id != first.id


def test_a_clock_without_offset_needs_the_devices_own() -> None:
    naive = hk(when="2026-11-23T15:59:50")
    refused = hikvision.read_event("cam", naive, None)
    assert isinstance(refused, Refused)
    assert refused.reason == Reason.NAIVE_TIME
    told = seen(hikvision.read_event("cam", naive, timezone(timedelta(hours=8))))
    assert told.at == datetime(2026, 11, 23, 7, 59, 50, tzinfo=UTC)


BOMB = (
    b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<EventNotificationAlert>&b;</EventNotificationAlert>"
)
DEEP = b"<EventNotificationAlert>" + b"<a>" * 40 + b"</a>" * 40 + b"</EventNotificationAlert>"
WIDE = b"<EventNotificationAlert>" + b"<a/>" * 6_000 + b"</EventNotificationAlert>"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \r\n\0", Reason.EMPTY),
        (b"<", Reason.MALFORMED_XML),
        (b"<EventNotificationAlert>", Reason.MALFORMED_XML),
        (b"plain text", Reason.MALFORMED_XML),
        (b"<other/>", Reason.WRONG_SHAPE),
        (b"[1,2]", Reason.WRONG_SHAPE),
        (b"{", Reason.MALFORMED_JSON),
        (b"{}", Reason.MISSING_FIELD),
        (BOMB, Reason.MALFORMED_XML),
        (DEEP, Reason.WRONG_SHAPE),
        (WIDE, Reason.WRONG_SHAPE),
        (b"<" * 70_000, Reason.OVERSIZED),
        (b"<EventNotificationAlert><eventType>ANPR</eventType></EventNotificationAlert>", Reason.MISSING_FIELD),
        (hk(when="yesterday"), Reason.INVALID_TIME),
        (hk(when=""), Reason.MISSING_FIELD),
        (b"\xff\xfe\x00", Reason.NOT_UTF8),
    ],
)
def test_a_hikvision_request_that_says_nothing_is_refused(payload: bytes, reason: Reason) -> None:
    said = hikvision.read_event("cam", payload, None)
    assert isinstance(said, Refused)
    assert said.reason == reason


def test_an_event_in_gbk_declared_or_not() -> None:
    text = hk("辽A12345").decode()
    declared = f'<?xml version="1.0" encoding="GB2312"?>{text}'.encode("gb2312")
    silent = text.encode("gbk")
    for payload in (declared, silent):
        assert seen(hikvision.read_event("cam", payload, None)).plate == "辽A12345"


def test_what_a_cameras_settings_decide() -> None:
    reading = seen(hikvision.read_event("cam", hk(), None))
    both = CameraSettings(lanes={"1": "X1"}, directions={"forward": "exit", "reverse": "ignore"})
    passage = passage_of(reading, both, CAR_PARK, NOW)
    assert isinstance(passage, PassageSeen)
    assert (passage.lane, passage.direction, passage.plate) == ("X1", "exit", "辽A12345")
    backwards = CameraReading(id="x", at=NOW, plate=None, heading="reverse", line="1")
    assert isinstance(passage_of(backwards, both, CAR_PARK, NOW), Unheeded)
    spelt = CameraSettings(lane="E1", direction="entry", directions={"Reverse": "exit"})
    for heading in ("reverse", "Reverse"):
        out = passage_of(msgspec.structs.replace(backwards, heading=heading), spelt, CAR_PARK, NOW)
        assert isinstance(out, PassageSeen)
        assert out.direction == "exit"
    elsewhere = CameraReading(id="x", at=NOW, plate=None, heading="forward", line="9")
    refused = passage_of(elsewhere, both, CAR_PARK, NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == Reason.INVALID_SETTINGS
    unknown_lane = passage_of(reading, CameraSettings(lane="Z9", direction="entry"), CAR_PARK, NOW)
    assert isinstance(unknown_lane, Refused)
    assert unknown_lane.reason == Reason.UNKNOWN_LANE


def known(device: str = SN, profile: str = "vzenith-ivs", **settings: Any) -> Directory:
    """A registry with one camera in it."""
    row = {"id": device, "car_park": "mall-1", "space": None, "zone": None, "profile": profile}
    camera = KnownDevice.of({**row, "settings": settings or {"lane": "E1", "direction": "entry"}})
    return Directory([msgspec.structs.replace(CAR_PARK, devices=(camera,))])


def heard(payload: bytes, directory: Directory, *, name: str = "ivs_result", device: str = SN, **more: Any) -> Decoded:
    return decode(f"device/{device}/message/up/{name}", payload, NOW, directory, **more)


def reasons(said: Decoded) -> list[Reason]:
    return [reject.reason for reject in said.rejects]


@pytest.mark.parametrize(
    "settings", [{"lane": "E1"}, {"direction": "entry"}, {"lane": "E1", "direction": "up"}, {"lain": "E1"}]
)
def test_settings_that_place_no_camera_are_refused(settings: dict[str, Any]) -> None:
    assert reasons(heard(vz(), known(**settings))) == [Reason.INVALID_SETTINGS]


def test_a_registered_camera_is_a_passage_of_its_car_park() -> None:
    said = heard(vz(), known())
    assert said.car_park is not None
    assert said.codec == "vzenith-ivs-2"
    (passage,) = said.passages
    assert (passage.car_park, passage.lane, passage.direction) == ("mall-1", "E1", "entry")
    assert (passage.plate, passage.color, passage.vehicle_class) == ("辽AD12345", "green", "small")


def test_a_device_speaks_the_language_of_its_profile() -> None:
    assert reasons(heard(vz(), known(profile="hikvision-isapi"))) == [Reason.UNKNOWN_PROFILE]
    assert reasons(heard(vz(), known(profile="bosch-tps110"))) == [Reason.UNKNOWN_PROFILE]


def test_the_topic_says_who_speaks_and_not_the_message() -> None:
    """The vector calls itself by another serial number; a stranger stays one whatever he calls himself."""
    assert reasons(heard(vz(), known(), device="another")) == [Reason.UNKNOWN_DEVICE]
    said = heard(vz(), known("another"), device="another")
    assert len(said.passages) == 1


@pytest.mark.parametrize("name", ["keep_alive", "gpio_in", "barr_gate_status", "serial_data", "snapshot"])
@pytest.mark.parametrize("directory", [known(), Directory()])
def test_a_heartbeat_is_nothing_for_the_books(directory: Directory, name: str) -> None:
    for payload in (vector("vzenith_keep_alive.json"), b"", b"\xff"):
        said = heard(payload, directory, name=name)
        assert said.received == 0
        told = None if said.seen is None else (said.seen.device, said.seen.car_park, said.seen.at)
        assert told == ((SN, "mall-1", NOW) if len(directory) else None)


def test_a_camera_is_alive_when_it_speaks_and_not_when_it_saw() -> None:
    seen = heard(vector("vzenith_offline.json"), known()).seen
    assert seen is not None
    assert seen.at == NOW


def test_an_empty_and_an_overlong_result_are_refused() -> None:
    assert reasons(heard(b"", known())) == [Reason.EMPTY]
    said = heard(vz()[:100], known(), payload_bytes=3_000_000)
    assert reasons(said) == [Reason.OVERSIZED]
    assert said.car_park is not None


def test_a_clock_years_ahead_is_clamped_and_its_repeat_is_still_the_same() -> None:
    payload = hk(when="2034-01-04T15:57:03+08:00")
    passages = [
        passage_of(seen(hikvision.read_event("cam", payload, None)), ENTRY, CAR_PARK, NOW + timedelta(seconds=late))
        for late in (0, 60)
    ]
    assert all(isinstance(passage, PassageSeen) for passage in passages)
    assert [passage.at for passage in passages] == [NOW, NOW + timedelta(seconds=60)]  # type: ignore[union-attr]  # just looked
    assert len({passage.id for passage in passages}) == 1  # type: ignore[union-attr]  # just looked


def test_the_makers_own_samples(shared_data: Path) -> None:
    sample = json.loads((shared_data / "envelopes" / "vzenith-ivs_result.json").read_text())["message"]
    reading = seen(vzenith.read_result(sample["sn"], json.dumps(sample).encode()))
    assert (reading.plate, reading.color, reading.confidence) == ("赣GZ7S13", "blue", 1.0)
    assert reading.at == datetime(2021, 8, 11, 8, 30, 19, 539_956, tzinfo=UTC)
    events = json.loads((shared_data / "envelopes" / "hikvision-isapi-anpr.json").read_text())["messages"]
    first, second = (seen(hikvision.read_event("cam", event.encode(), None)) for event in events)
    assert (first.at, first.confidence) == (datetime(2024, 5, 7, 10, 48, 3, 847_000, tzinfo=UTC), 0.98)
    assert (second.plate, second.heading, second.vehicle_class) == ("WX1234A", "reverse", "small")
