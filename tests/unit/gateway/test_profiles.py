"""What every device's frames say, and that none says anything that is not in its bytes."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.device_profiles import device_profiles
from gateway.profiles.profile import Reading, Unreadable
from gateway.profiles.table import BY_NAME, PROFILES
from tests.unit.gateway.lorawan_frames import BAD, GOOD, name_of, read


@pytest.mark.parametrize("frame", GOOD, ids=name_of)
def test_a_frame_of_the_layout(frame: dict[str, Any]) -> None:
    said = read(frame["profile"], bytes.fromhex(frame["hex"]), frame["port"], frame.get("settings"))
    assert isinstance(said, Reading), said
    assert [mark.state for mark in said.marks] == frame["states"]
    for name in ("battery", "battery_mv", "battery_low", "temperature_c"):
        if name in frame:
            assert getattr(said, name) == frame[name], name
    stamped = [mark.at for mark in said.marks if mark.at is not None]
    assert stamped == [datetime.fromisoformat(at) for at in frame.get("at", [])]


@pytest.mark.parametrize("frame", BAD, ids=name_of)
def test_a_frame_that_is_none(frame: dict[str, Any]) -> None:
    said = read(frame["profile"], bytes.fromhex(frame["hex"]), frame["port"], frame.get("settings"))
    assert isinstance(said, Unreadable), said
    assert said.reason == frame["reason"], said.detail


@pytest.mark.parametrize("frame", GOOD, ids=name_of)
def test_a_cut_frame_says_nothing(frame: dict[str, Any]) -> None:
    payload = bytes.fromhex(frame["hex"])
    shorter = frame.get("cut_ok", [])
    for length in range(len(payload)):
        said = read(frame["profile"], payload[:length], frame["port"], frame.get("settings"))
        is_frame = length > 0 and (shorter == "any" or length in shorter)
        assert isinstance(said, Reading) == is_frame, (length, said)


@pytest.mark.parametrize("frame", [frame for frame in GOOD if frame["states"]], ids=name_of)
def test_an_over_long_frame_says_nothing(frame: dict[str, Any]) -> None:
    longer = bytes.fromhex(frame["hex"]) + b"\xee" * 40
    assert isinstance(read(frame["profile"], longer, frame["port"], frame.get("settings")), Unreadable)


def test_every_device_has_its_card_and_an_example_that_says_something() -> None:
    for profile in PROFILES:
        settings = {"threshold_mm": 2_500} if "threshold_mm" in profile.settings.model_fields else {}
        example = profile.example
        said = read(profile.name, bytes.fromhex(example.hex), example.port, settings)
        assert isinstance(said, Reading), profile.name
        assert said.marks, profile.name
        assert not profile.ports or example.port in profile.ports
    names = [name for card in device_profiles() for name in (card.name, *card.aliases)]
    assert len(names) == len(set(names))
    assert set(BY_NAME) <= set(names)
    assert len({card.codec for card in device_profiles()}) == len(device_profiles())


_LORAWAN = (
    "bosch-tps110",
    "dingtek-do201",
    "elsys-generic",
    "libelium-smart-parking-v2",
    "nwave-nps310sm",
    "pni-placepod",
)


@pytest.mark.parametrize("name", _LORAWAN)
def test_the_recorded_vectors(name: str, shared_data: Path) -> None:
    vectors = json.loads((shared_data / "lorawan" / f"{name}.json").read_text())["vectors"]
    for vector in vectors:
        if vector["direction"] == "uplink":
            said = read(name, bytes.fromhex(vector["hex"]), vector.get("fPort"))
            assert isinstance(said, Reading), (vector, said)
            assert [mark.state for mark in said.marks] == _expected(vector["expected"]), vector


def _expected(expected: Any) -> list[str]:
    """The words of the vendors for one and the same thing."""
    items = expected if isinstance(expected, list) else [expected]
    told = [
        value
        for item in items
        for key, value in item.items()
        if key in {"occupied", "alarmPark", "presence_21", "presence_55"}
    ]
    return ["occupied" if value else "free" for value in told]


@pytest.mark.parametrize(
    ("profile", "settings"),
    [
        ("milesight-em310", {"threshold_mm": 500, "hysteresis_mm": 500}),
        ("milesight-em400", {"threshold_mm": 500, "hysteresis_mm": 4_000}),
        ("elsys", {"threshold_mm": 500, "hysteresis_mm": 500}),
        ("elsys", {"threshold_mm": 500, "digital_occupied": 1}),
        ("elsys", {"hysteresis_mm": 5}),
        ("pni-placepod", {"lane": "E1"}),
    ],
)
def test_settings_that_can_never_work_are_refused(profile: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BY_NAME[profile].settings.model_validate(settings)
