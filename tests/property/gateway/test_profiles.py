"""Any bytes on any port: a device says what its layout says, or why not, and never raises."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.profile import AnyProfile, Frame, Reading, Unreadable
from gateway.profiles.settings import state_at
from gateway.profiles.table import PROFILES
from tests.unit.gateway.lorawan_frames import GOOD, read

PORTS = st.one_of(st.none(), st.integers(0, 12), st.integers(0, 255))
STATES = {"free", "occupied", "unknown"}


def settings_of(profile: AnyProfile) -> Any:
    given_settings = {"threshold_mm": 1_500, "hysteresis_mm": 50}
    return profile.settings.model_validate(given_settings if "threshold_mm" in profile.settings.model_fields else {})


def check(said: Reading | Unreadable) -> None:
    if isinstance(said, Unreadable):
        assert said.detail
        return
    assert all(mark.state in STATES for mark in said.marks)
    assert said.battery is None or 0 <= said.battery <= 1


@given(profile=st.sampled_from(PROFILES), payload=st.binary(max_size=260), port=PORTS)
def test_any_bytes(profile: AnyProfile, payload: bytes, port: int | None) -> None:
    said = profile.read(Frame(payload, port), settings_of(profile))
    check(said)
    assert payload or isinstance(said, Unreadable)


@given(frame=st.sampled_from(GOOD), data=st.data())
def test_a_frame_with_bytes_changed_and_ends_cut(frame: dict[str, Any], data: st.DataObject) -> None:
    payload = bytearray.fromhex(frame["hex"])
    for place in data.draw(st.lists(st.integers(0, len(payload) - 1), max_size=3)):
        payload[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    check(read(frame["profile"], bytes(payload[:cut]), frame["port"], frame.get("settings")))


@given(profile=st.sampled_from(PROFILES), payload=st.binary(min_size=1, max_size=60), port=PORTS)
def test_reading_twice_says_the_same(profile: AnyProfile, payload: bytes, port: int | None) -> None:
    frame, settings = Frame(payload, port), settings_of(profile)
    assert profile.read(frame, settings) == profile.read(frame, settings)


@given(
    near=st.integers(0, 20_000),
    far=st.integers(0, 20_000),
    threshold=st.integers(1, 20_000),
    margin=st.integers(0, 5_000),
)
def test_what_is_nearer_is_never_freer(near: int, far: int, threshold: int, margin: int) -> None:
    near, far = min(near, far), max(near, far)
    order = {"occupied": 0, None: 1, "free": 2}
    assert order[state_at(near, threshold, margin)] <= order[state_at(far, threshold, margin)]
    assert state_at(near, threshold, 0) is not None
