"""What each kind of message means, and the sentence for each thing that can be wrong with it."""

from datetime import UTC, datetime

import msgspec
import pytest

from contracts.ids import CarParkId, SpaceNumber
from contracts.vehicles import normalise_plate
from gateway.decode import decode
from gateway.directory import Directory, KnownCarPark
from gateway.events import Decoded

RECEIVED_AT = datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)
AT = "2026-11-23T16:00:00.1234567+08:00"
AT_UTC = datetime(2026, 11, 23, 8, 0, 0, 123457, tzinfo=UTC)


@pytest.fixture
def directory() -> Directory:
    spaces = {"B1-1": SpaceNumber(11), "B1-2": SpaceNumber(12)}
    mall = KnownCarPark(CarParkId("mall-1"), "op", 100, "1", spaces, {"B1": 50}, frozenset())
    gated = KnownCarPark(CarParkId("gated-1"), "op", 100, "1", {}, {}, frozenset({"E1"}))
    return Directory([mall, gated])


def say(directory: Directory, kind: str, message: object, car_park: str = "mall-1") -> Decoded:
    payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
    return decode(f"parking/v1/op/{car_park}/{kind}", payload, RECEIVED_AT, directory)


def test_a_space_event_in_utc_with_what_is_missing_filled_in(directory: Directory) -> None:
    said = say(directory, "spaces", {"space": "B1-1", "state": "free", "at": AT, "unheard_of": [1]})
    (seen,) = said.spaces
    assert (seen.space, seen.state, seen.at, seen.epoch, seen.seq) == (11, "free", AT_UTC, "", -1)
    assert seen.at.tzinfo is UTC
    assert seen.received_at == RECEIVED_AT


def test_an_empty_list_says_nothing(directory: Directory) -> None:
    assert say(directory, "spaces", {"events": []}).received == 0


def test_the_future_is_clamped_and_counted(directory: Directory) -> None:
    said = say(directory, "spaces", {"space": "B1-1", "state": "free", "at": "9999-12-31T23:59:59-23:00"})
    assert (said.spaces[0].at, said.clock_ahead) == (RECEIVED_AT, 1)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"free": 37}, ("", 100, 63)),
        ({"zone": "B1", "free": 37}, ("B1", 50, 13)),
        ({"zone": "B1", "capacity": 220, "free": 37}, ("B1", 220, 183)),
        ({"occupied": 120}, ("", 100, 120)),
        ({"capacity": 0, "occupied": 0}, ("", 0, 0)),
        ({"capacity": 0, "free": 0}, ("", 0, 0)),
        ({"capacity": 450, "free": 50}, ("", 450, 400)),
    ],
)
def test_a_count_in_either_direction(
    directory: Directory, report: dict[str, object], expected: tuple[str, int, int]
) -> None:
    (seen,) = say(directory, "counts", {"counts": [report | {"at": AT}]}).counts
    assert (seen.zone, seen.capacity, seen.occupied) == expected


@pytest.mark.parametrize(
    ("report", "occupied", "out_of_service"),
    [
        ({"capacity": 50, "free": 20, "occupied": 30}, 30, 0),
        ({"capacity": 50, "free": 0, "occupied": 0}, 0, 50),
        ({"capacity": 50, "free": 15, "occupied": 30}, 30, 5),
        ({"free": 7, "occupied": 5}, 5, 88),
        ({"capacity": 50, "free": 0, "occupied": 60}, 60, 0),
        ({"capacity": 50, "free": 3, "occupied": 60}, 60, 0),
    ],
)
def test_of_both_directions_free_is_never_more_than_was_told(
    directory: Directory, report: dict[str, int], occupied: int, out_of_service: int
) -> None:
    (seen,) = say(directory, "counts", report | {"at": AT}).counts
    assert (seen.occupied, seen.out_of_service) == (occupied, out_of_service)
    assert max(0, seen.capacity - seen.out_of_service - seen.occupied) <= report["free"]


def test_a_passage_keeps_what_the_camera_read(directory: Directory) -> None:
    message = {
        "id": "e1-1",
        "lane": "E1",
        "direction": "entry",
        "vehicle": {"plate": "辽a·1234 5", "color": "blue"},
        "class": "small",
        "at": AT,
        "confidence": 0.98,
        "image": None,
        "ticket": None,
    }
    (seen,) = say(directory, "passages", message).passages
    assert (seen.plate, seen.color, seen.vehicle_class, seen.at) == ("辽A12345", "blue", "small", AT_UTC)
    (unlicensed,) = say(directory, "passages", message | {"vehicle": None, "ticket": "T-9"}).passages
    assert (unlicensed.plate, unlicensed.color, unlicensed.ticket) == (None, None, "T-9")


def test_an_answer_to_an_order_is_taken_whoever_gave_it(directory: Directory) -> None:
    (seen,) = say(directory, "acks", {"order": "ord_1", "ok": False, "at": AT, "error": "jammed"}).acks
    assert (seen.order, seen.ok, seen.error, seen.at) == ("ord_1", False, "jammed", AT_UTC)


def test_lanes_are_checked_only_where_some_are_registered(directory: Directory) -> None:
    message = {"id": "1", "lane": "X9", "direction": "exit", "at": AT}
    assert say(directory, "passages", message).passages
    assert say(directory, "passages", message, "gated-1").rejects[0].reason == "unknown_lane"


@pytest.mark.parametrize(
    ("kind", "message", "reason", "detail"),
    [
        ("spaces", b"", "empty", "no payload"),
        ("spaces", b"null", "wrong_shape", "object"),
        ("spaces", b"{", "malformed_json", "truncated"),
        ("spaces", b'{"a":NaN}', "malformed_json", "invalid character"),
        ("spaces", b"\xef\xbb\xbf{}", "malformed_json", "byte 0"),
        ("spaces", b"{}", "missing_field", "`space`"),
        ("spaces", {"events": 5}, "wrong_shape", "array"),
        ("spaces", {"events": [{}] * 5001}, "too_many_events", "5001"),
        ("spaces", {"space": "B1-1", "state": "vacant", "at": AT}, "unknown_state", "vacant"),
        ("spaces", {"space": "B1-9", "state": "free", "at": AT}, "unknown_space", "B1-9"),
        ("spaces", {"space": "B1-1", "state": "free", "at": "2026-11-23T08:00:00"}, "naive_time", "timezone"),
        ("spaces", {"space": "B1-1", "state": "free", "at": "yesterday"}, "invalid_time", "RFC3339"),
        ("spaces", {"space": "B1-1", "state": "free", "at": 1700000000}, "invalid_time", "int"),
        ("spaces", {"space": "B1-1", "state": "free", "at": "1969-12-31T23:59:59Z"}, "time_out_of_range", "1970"),
        ("spaces", {"space": "B1-1", "state": "free", "at": AT, "seq": -1}, "negative_number", "seq"),
        ("spaces", {"space": "B1-1", "state": "free", "at": AT, "battery": 93}, "invalid_value", "battery"),
        ("spaces", {"space": "B1-1", "state": "free", "at": AT, "epoch": "\0"}, "forbidden_character", "NUL"),
        ("counts", {"at": AT}, "no_count", "`free` or `occupied`"),
        ("counts", {"at": AT, "zone": "B7", "free": 1}, "unknown_zone", "B7"),
        ("counts", {"at": AT, "free": 101}, "free_over_capacity", "101"),
        ("counts", {"at": AT, "occupied": -1}, "negative_number", "occupied"),
        ("counts", {"at": AT, "capacity": 50, "free": 30, "occupied": 21}, "free_and_occupied_disagree", "50"),
        ("counts", {"at": AT, "free": 60, "occupied": 60}, "free_and_occupied_disagree", "100"),
        ("counts", {"at": AT, "capacity": 451, "free": 0}, "capacity_implausible", "at most 450"),
        ("counts", {"at": AT, "capacity": 1_000_000, "free": 1_000_000}, "capacity_implausible", "100 are registered"),
        ("counts", {"at": AT, "zone": "B1", "capacity": 351, "free": 0}, "capacity_implausible", "at most 350"),
        ("passages", {"id": "a\n", "lane": "E", "direction": "exit", "at": AT}, "forbidden_character", "printable"),
        ("passages", {"id": "a", "lane": "E", "direction": "in", "at": AT}, "invalid_value", "in"),
        ("acks", {"order": "ord_1", "ok": "yes", "at": AT}, "invalid_value", "bool"),
        ("acks", {"order": "ord_1\0", "ok": True, "at": AT}, "forbidden_character", "NUL"),
        ("orders", {}, "unknown_topic", "orders"),
    ],
)
def test_why_a_message_is_refused(directory: Directory, kind: str, message: object, reason: str, detail: str) -> None:
    said = say(directory, kind, message)
    assert said.facts == 0
    assert [reject.reason for reject in said.rejects] == [reason]
    assert detail in said.rejects[0].detail


@pytest.mark.parametrize(
    ("read", "normal"),
    [
        ("辽A·12345", "辽A12345"),
        ("辽 a-1.2•345", "辽A12345"),
        ("辽Ａ１２３４５", "辽A12345"),
        ("粤Z1234港", "粤Z1234港"),
        ("ABC 123", "ABC123"),
        ("·- ", None),
    ],
)
def test_a_plate_has_one_spelling_and_is_never_forced(read: str, normal: str | None) -> None:
    assert normalise_plate(read) == normal
