"""Commands that only read a data directory: one that is not there is an error, not a new folder."""

import sys
from pathlib import Path

import pytest

from app.cli import main
from app.exit_codes import Exit
from kernel.clock import SystemClock
from kernel.tokens import load_or_create_signing_key, mint_driver_token


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """`berth ARGUMENTS`; its exit code."""
    monkeypatch.setattr(sys, "argv", ["berth", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    "command",
    [
        ["config"],
        ["doctor"],
        ["token", "--driver", "ann"],
        ["token", "--operator", "op"],
        ["replay", __file__],
        ["simulate"],
        ["import", __file__],
        ["migrate"],
    ],
    ids=lambda command: "-".join(word for word in command if not word.startswith(("-", "/"))),
)
def test_a_data_directory_that_is_not_there_is_said_and_not_made(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "typo"
    assert run(monkeypatch, *command, "--data-dir", str(missing)) == Exit.USAGE
    assert f"there is no data directory {missing}" in capsys.readouterr().err
    assert not missing.exists()


def test_a_token_is_signed_by_a_key_that_is_there_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "token", "--driver", "ann", "--data-dir", str(tmp_path)) == Exit.USAGE
    assert "no signing key" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    key = load_or_create_signing_key(tmp_path / "signing.json")
    assert run(monkeypatch, "token", "--driver", "ann", "--data-dir", str(tmp_path)) == Exit.OK
    assert capsys.readouterr().out.count(".") == mint_driver_token(key, "ann", SystemClock().now()).count(".") == 2


def test_the_default_directory_need_not_be_there_to_print_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "config") == Exit.OK
    assert run(monkeypatch, "token", "--driver", "ann") == Exit.USAGE
    assert "BERTH_DATA_DIR=var" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
