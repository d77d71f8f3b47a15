"""docs/devices.md says what the code does: its worked example runs, its table is the table of profiles."""

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.profiles import ProfileCard
from gateway import profiles
from gateway.profiles.profile import AnyProfile, Frame, Reading, Unreadable
from gateway.profiles.table import PROFILES, profiles_of
from gateway.refusals import Reason

PAGE = (Path(__file__).parents[3] / "docs" / "devices.md").read_text()


def test_the_worked_example_is_added_with_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (file,) = re.findall(r"`gateway/profiles/(\w+\.py)`:\n```python", PAGE)
    (line,) = re.findall(r"in `gateway/profiles/table\.py`, in `MODULES`, the line `(.+?)`\.", PAGE)
    (tmp_path / file).write_text(source)
    monkeypatch.setattr(profiles, "__path__", [*profiles.__path__, str(tmp_path)])
    table = (
        Path(inspect.getfile(profiles_of))
        .read_text()
        .replace("MODULES: Final = (\n", f"MODULES: Final = (\n    {line}\n")
    )
    made: dict[str, Any] = {}
    exec(table, made)
    sys.modules.pop("gateway.profiles.acme_eye")
    assert len(made["PROFILES"]) == len(PROFILES) + 1
    eye: AnyProfile = made["BY_NAME"]["acme-eye"]
    settings = eye.settings()
    assert isinstance(eye, ProfileCard)
    said = eye.read(Frame(bytes.fromhex(eye.example.hex), eye.example.port), settings)
    assert isinstance(said, Reading)
    assert ([mark.state for mark in said.marks], said.battery) == (["occupied"], 0.95)
    reset = eye.read(Frame(b"\x01", 10), settings)
    assert isinstance(reset, Reading)
    assert reset.marks == ()
    for frame, reason in (
        (Frame(b"", 9), Reason.EMPTY),
        (Frame(b"\x80", 9), Reason.WRONG_LENGTH),
        (Frame(b"\x80\x5f", None), Reason.WRONG_PORT),
        (Frame(b"\x80\xff", 9), Reason.UNKNOWN_FRAME),
    ):
        refused = eye.read(frame, settings)
        assert isinstance(refused, Unreadable)
        assert refused.reason == reason


def test_the_table_lists_every_profile_and_its_codec() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|[^|\n]*\|[^|\n]*\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert rows == [(profile.name, profile.codec) for profile in PROFILES]
