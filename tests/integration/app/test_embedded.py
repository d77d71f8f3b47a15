"""The embedded PostgreSQL starts on whatever a crash left, and dies with whoever started it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.embedded import EmbeddedBroker, EmbeddedPostgres
from app.socket_folders import socket_folder
from tests.conftest import Eventually


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    started = EmbeddedPostgres(tmp_path / "a folder with spaces")
    started.start()
    yield started
    started.stop()


async def _run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_socket_and_loopback_with_password_reach_the_same_database(server: EmbeddedPostgres) -> None:
    await _run(server.url(), "CREATE TABLE seen (n int)")
    assert await _run(server.public_url(), "SELECT count(*) FROM seen") == 0
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _run(
            server.public_url().replace(":" + server.public_url().split(":")[2].split("@")[0], ":guess"), "SELECT 1"
        )


async def test_committed_rows_survive_kill_9_of_the_whole_server(server: EmbeddedPostgres) -> None:
    await _run(server.url(), "CREATE TABLE seen AS SELECT 7 AS n")
    assert server.process is not None
    backends = psutil.Process(server.process.pid).children()
    server.process.kill()
    for backend in backends:
        with contextlib.suppress(psutil.NoSuchProcess):  # it noticed that its postmaster is gone
            backend.kill()
    server.start()
    assert await _run(server.url(), "SELECT n FROM seen") == 7


async def test_takes_over_the_data_of_a_server_that_still_runs(server: EmbeddedPostgres) -> None:
    await _run(server.url(), "CREATE TABLE seen AS SELECT 7 AS n")
    orphaned = server.process
    assert orphaned is not None
    server.start()
    assert orphaned.wait(10) == 0
    assert await _run(server.url(), "SELECT n FROM seen") == 7


async def test_stop_removes_the_socket_folder(server: EmbeddedPostgres) -> None:
    assert server.socket_dir.is_dir()
    server.stop()
    assert not server.socket_dir.exists()


async def test_a_start_clears_away_the_folders_of_those_who_were_killed(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    killed = EmbeddedPostgres(tmp_path / "killed")
    killed.start()
    assert killed.process is not None
    killed.process.kill()
    killed.process.wait()
    left, young, link = (socket_folder(tmp_path / name) for name in ("left", "young", "link"))
    left.mkdir()
    os.utime(left, (0, 0))
    young.mkdir()
    link.symlink_to(tmp_path)
    try:
        with EmbeddedPostgres(tmp_path / "next") as following:
            assert following.socket_dir.is_dir()
            assert [folder.exists() for folder in (killed.socket_dir, left, young, link)] == [False, False, True, True]
            assert await _run(server.url(), "SELECT 1") == 1
    finally:
        young.rmdir()
        link.unlink()


async def test_dies_with_the_process_that_started_it(tmp_path: Path, eventually: Eventually) -> None:
    program = (
        "import sys; from pathlib import Path; from app.embedded import EmbeddedBroker, EmbeddedPostgres\n"
        "server, broker = EmbeddedPostgres(Path(sys.argv[1])), EmbeddedBroker()\n"
        "server.start(); broker.start(); print(server.process.pid, broker.process.pid, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        os.kill(parent.pid, signal.SIGKILL)
        await eventually(lambda: not any(child.is_running() for child in children))


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(tmp_path: Path) -> None:
    server, broker = EmbeddedPostgres(tmp_path / "data"), EmbeddedBroker()
    with socket.socket() as first, socket.socket() as second:
        for taken, port in ((first, server.port), (second, broker.port)):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
        with server, broker:
            assert server.port != first.getsockname()[1]
            assert broker.port != second.getsockname()[1]
            assert server.is_ready()
            assert broker.is_ready()
