"""The data directory: one owner at a time, secrets readable by us only."""

from pathlib import Path

import pytest

from app.data_dir import DataDir, Running, write_secret
from app.exit_codes import CommandFailed, Exit

RUNNING = Running(7, "http://127.0.0.1:8080", "mqtt://127.0.0.1:1", "mqtt://127.0.0.1:2", "postgresql://a", "p://b")


def test_only_one_owns_it_and_the_second_is_told_where_the_first_is(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path), DataDir(tmp_path)
    with first.owned(), first.announced(RUNNING):
        with pytest.raises(CommandFailed, match=r"process 7, http://127\.0\.0\.1:8080") as refused, second.owned():
            pass
        assert refused.value.code is Exit.RUNNING_ALREADY
    with second.owned():
        assert second.running() is None


def test_what_runs_is_told_while_it_runs_and_only_to_us(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with data.owned(), data.announced(RUNNING):
        assert DataDir(tmp_path).running() == RUNNING
        assert (tmp_path / "berth.json").stat().st_mode & 0o777 == 0o600
    assert data.running() is None


def test_addresses_of_a_killed_supervisor_are_forgotten(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    write_secret(tmp_path / "berth.json", '{"pid": 1')
    assert data.running() is None
    with data.owned():
        assert not (tmp_path / "berth.json").exists()


def test_a_secret_replaces_what_was_there(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("old")
    write_secret(secret, "new")
    assert secret.read_text() == "new"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
