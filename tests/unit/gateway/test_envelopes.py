"""What network servers wrap frames in: fields left out, clocks that disagree, topics, and the recorded examples."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.envelopes import chirpstack, tts
from gateway.envelopes.topics import network_topic
from gateway.envelopes.uplink import Reception, heard_at
from gateway.known_device import device_key
from gateway.refusals import Reason, explain

NETWORK = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def encoded(message: Any) -> bytes:
    return msgspec.json.encode(message)


def test_the_things_stack_leaves_out_what_is_zero() -> None:
    uplink = tts.read(encoded({"uplink_message": {"frm_payload": "AQ=="}}))
    assert (uplink.counter, uplink.port, uplink.payload, uplink.session) == (0, None, b"\x01", "")
    assert (uplink.at, uplink.rssi, uplink.snr, uplink.dev_eui) == (None, None, None, "")


def test_without_a_session_key_the_address_stands_for_the_session() -> None:
    ids = {"dev_addr": "00BCB929", "dev_eui": "70B3D52DD3000001"}
    uplink = tts.read(encoded({"end_device_ids": ids, "uplink_message": {"f_cnt": 3, "frm_payload": "AQ=="}}))
    assert (uplink.session, uplink.counter, uplink.dev_eui) == ("00BCB929", 3, "70B3D52DD3000001")


def test_the_gateway_that_heard_it_best_and_the_battery_that_the_network_knows() -> None:
    message = {
        "frm_payload": "AQ==",
        "rx_metadata": [{"rssi": -120, "snr": -3}, {"rssi": -80, "snr": 9.25}, {"snr": 1}],
        "last_battery_percentage": {"f_cnt": 12, "value": 78.4},
    }
    uplink = tts.read(encoded({"uplink_message": message}))
    assert (uplink.rssi, uplink.snr) == (-80, 9.25)
    assert uplink.battery == pytest.approx(0.784)


def test_tts_says_what_was_only_simulated() -> None:
    assert tts.read(encoded({"uplink_message": {}, "simulated": True})).simulated
    assert not tts.read(encoded({"uplink_message": {}})).simulated


def test_chirpstack_leaves_out_what_is_zero() -> None:
    up = chirpstack.read(encoded({"deviceInfo": {"devEui": "0101010101010101"}, "devAddr": "00189440", "data": "qg=="}))
    assert (up.session, up.counter, up.port, up.payload) == ("00189440", 0, None, b"\xaa")


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("", NETWORK),
        ("1479456013.000s", NETWORK - timedelta(seconds=5)),
        ("1479369613.000s", NETWORK),
        ("1510992018s", NETWORK),
        ("soon", NETWORK),
    ],
    ids=("no GPS", "five seconds before", "more than a day before", "a year ahead", "no duration"),
)
def test_chirpstack_tells_gps_time(told: str, at: datetime) -> None:
    up = chirpstack.read(encoded({"time": NETWORK.isoformat(), "rxInfo": [{"timeSinceGpsEpoch": told}]}))
    assert up.at == at


def test_chirpstack_tells_its_own_time_beside_that_of_a_gateway_whose_clock_was_never_set() -> None:
    receptions = [{"nsTime": (NETWORK + timedelta(seconds=1)).isoformat()}, {"nsTime": NETWORK.isoformat()}, {}]
    assert chirpstack.read(encoded({"time": "1970-01-01T00:00:07Z", "rxInfo": receptions})).at == NETWORK


def test_a_gateway_is_believed_only_when_gps_set_its_clock() -> None:
    metadata = [{"time": "2026-11-23T07:00:00Z"}, {"time": "1970-01-01T00:00:00Z", "gps_time": "2026-11-23T07:59:58Z"}]
    message = {"uplink_message": {"received_at": NETWORK.isoformat(), "rx_metadata": metadata}}
    assert tts.read(encoded(message)).at == NETWORK - timedelta(seconds=2)
    assert heard_at(None, [Reception(None, None, NETWORK)]) == NETWORK
    assert heard_at(NETWORK, [Reception(None, None, NETWORK + timedelta(hours=1))]) == NETWORK


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, Reason.MISSING_FIELD),
        ({"uplink_message": {"frm_payload": "not base64!"}}, Reason.INVALID_VALUE),
        ({"uplink_message": {"f_cnt": -1}}, Reason.NEGATIVE_NUMBER),
        ({"uplink_message": {"f_port": 300}}, Reason.INVALID_VALUE),
        ({"uplink_message": {"received_at": "2026-11-23T08:00:00"}}, Reason.NAIVE_TIME),
        ({"uplink_message": []}, Reason.INVALID_VALUE),
    ],
)
def test_an_envelope_that_is_none(message: Any, reason: Reason) -> None:
    with pytest.raises(msgspec.DecodeError) as refused:
        tts.read(encoded(message))
    assert explain(refused.value)[0] == reason


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("v3/app1@ttn/devices/dev1/up", "dev1"),
        ("application/17c8/device/0101010101010101/event/up", "0101010101010101"),
        ("application/17c8/device/0101010101010101/event/status", "0101010101010101"),
        ("v3/app1@ttn/devices/dev1/join", None),
        ("v3/app1@ttn/devices//up", None),
        ("application/17c8/device/0101/event/join", None),
        ("parking/v1/op/mall-1/up", None),
    ],
)
def test_topics(topic: str, device: str | None) -> None:
    found = network_topic(topic)
    assert (found and found.device) == device


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("70B3D5-2DD3-000001", "70b3d52dd3000001"),
        ("70:b3:d5:2d:d3:00:00:01", "70b3d52dd3000001"),
        ("Bay-1.North", "bay-1.north"),
        ("١٢٣٤٥٦٧٨١٢٣٤٥٦٧٨", "١٢٣٤٥٦٧٨١٢٣٤٥٦٧٨"),
    ],
)
def test_a_device_is_found_however_its_eui_is_written(name: str, key: str) -> None:
    assert device_key(name) == key


def test_the_recorded_examples(shared_data: Path) -> None:
    things = json.loads((shared_data / "envelopes" / "tts-v3.json").read_text())["examples"]
    (up,) = [tts.read(encoded(example["message"])) for example in things if example["kind"] == "up"]
    assert (up.session, up.counter, up.payload.hex()) == ("AXA50tHUGUucuzS/bCGMNw==", 1, "8241de")
    assert (up.rssi, up.snr) == (-35, 5)
    assert up.at == datetime(2020, 2, 12, 15, 15, 45, 789586, tzinfo=UTC)
    chirps = json.loads((shared_data / "envelopes" / "chirpstack-v4.json").read_text())["examples"]
    first = next(example["message"] for example in chirps if example["kind"] == "up")
    uplink = chirpstack.read(encoded(first))
    assert (uplink.dev_eui, uplink.session, uplink.counter) == ("0101010101010101", "00189440", 0)
    assert (uplink.port, uplink.payload) == (1, b"\xaa")
    status = next(example["message"] for example in chirps if example["kind"] == "status")
    assert chirpstack.read_status(encoded(status)).battery == pytest.approx(0.883)
