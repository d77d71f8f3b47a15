"""Frames of every device that can be read, with what they say: our own, and how to read one."""

import json
from pathlib import Path
from typing import Any

from gateway.profiles.profile import AnyProfile, Frame, Reading, Unreadable
from gateway.profiles.table import BY_NAME

FRAMES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data" / "lorawan" / "frames.json").read_text())[
    "frames"
]
GOOD = [frame for frame in FRAMES if "reason" not in frame]
BAD = [frame for frame in FRAMES if "reason" in frame]


def read(
    profile: str, payload: bytes, port: int | None, settings: dict[str, Any] | None = None
) -> Reading | Unreadable:
    """What a device with these settings says."""
    found: AnyProfile = BY_NAME[profile]
    return found.read(Frame(payload, port), found.settings.model_validate(settings or {}))


def name_of(frame: dict[str, Any]) -> str:
    """For the list of tests."""
    return f"{frame['profile']}-{frame['hex'][:24]}"
