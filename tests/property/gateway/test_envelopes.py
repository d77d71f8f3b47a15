"""Any bytes on a network server's topic are facts, a heartbeat or a refusal, and never raise."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import CarParkId, SpaceNumber
from gateway.decode import decode
from gateway.directory import Directory, KnownCarPark
from gateway.known_device import KnownDevice
from gateway.profiles.table import BY_NAME

RECEIVED_AT = datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)
TOPICS = (
    "v3/app@city/devices/bay-1/up",
    "application/a/device/bay-1/event/up",
    "application/a/device/bay-1/event/status",
)


def directory(profile: str, settings: dict[str, Any]) -> Directory:
    row = {"id": "bay-1", "car_park": "mall-1", "space": "B1", "zone": None, "profile": profile, "settings": settings}
    device = KnownDevice.of(row)
    spaces = {"B1": SpaceNumber(1)}
    return Directory([KnownCarPark(CarParkId("mall-1"), "op", 9, "1", spaces, {}, frozenset(), (device,))])


TIMES = (
    "2026-11-23T08:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+08:00",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "2026-11-23T08:00:00.123456789+08:00",
)
scalars = st.one_of(
    st.sampled_from(TIMES),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.just("AQ=="),
)
NAMES = """uplink_message f_cnt f_port frm_payload received_at rx_metadata end_device_ids dev_eui session_key_id
gps_time deviceInfo devEui devAddr fCnt fPort data time rxInfo rssi snr timeSinceGpsEpoch batteryLevel"""
names = st.sampled_from(re.split(r"\s", NAMES))
messages = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=5)),
    max_leaves=12,
)


@given(
    topic=st.sampled_from(TOPICS),
    profile=st.sampled_from(sorted(BY_NAME)),
    payload=st.one_of(st.binary(min_size=1, max_size=200), messages.map(msgspec.json.encode)),
    settings=st.sampled_from([{}, {"threshold_mm": 1500}]),
)
def test_whatever_a_network_server_sends(topic: str, profile: str, payload: bytes, settings: dict[str, Any]) -> None:
    said = decode(topic, payload, RECEIVED_AT, directory(profile, settings))
    assert said.received >= 1
    assert said.good + len(said.rejects) == said.received
    assert not (said.rejects and said.good)
    assert said.heard is None or said.heard.told_at.tzinfo is UTC
    assert all(fact.at <= RECEIVED_AT for fact in said.spaces)
    assert all(reject.detail for reject in said.rejects)


@given(
    at=st.sampled_from(TIMES),
    gps=st.one_of(st.sampled_from(TIMES), st.text(max_size=30)),
    frame=st.binary(max_size=3),
    counter=st.integers(0, 2**32),
    session=st.text(max_size=40),
)
def test_an_uplink_at_the_ends_of_time(at: str, gps: str, frame: bytes, counter: int, session: str) -> None:
    message = {
        "uplink_message": {
            "session_key_id": session,
            "f_cnt": counter,
            "f_port": 1,
            "frm_payload": frame,
            "received_at": at,
            "rx_metadata": [{"gps_time": gps}],
        }
    }
    payload = msgspec.json.encode(message)
    said = decode(TOPICS[0], payload, RECEIVED_AT, directory("bosch-tps110", {}))
    assert said.received == 1
    assert bool(said.good) == (len(frame) == 1 and at.startswith("2026") and session.isprintable())
