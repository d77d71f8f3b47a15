"""`berth up` starts, stops, and starts again on its data, whatever was killed in between."""

import contextlib
import json
import signal
import socket
import subprocess
import urllib.error

import asyncpg
import psutil
import pytest

from app.exit_codes import Exit
from app.processes import stop
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City, berth


def _put_operator(city: City, operator: str) -> None:
    subprocess.run(
        berth("token", "--operator", operator, "--data-dir", str(city.data_dir)), check=True, capture_output=True
    )


async def _operators(city: City) -> list[str]:
    connection = await asyncpg.connect(city.ready.database)
    try:
        return [row["id"] for row in await connection.fetch("SELECT id FROM registry.operator ORDER BY id")]
    finally:
        await connection.close()


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_its_children_within_seconds(start_city: StartCity, asked: signal.Signals) -> None:
    city = start_city()
    children = city.processes()
    assert len(children) >= 5
    assert stop(city.process, asked, patience_s=10) == Exit.OK
    assert [child for child in children if child.is_running()] == []


async def test_it_starts_again_on_its_data(start_city: StartCity) -> None:
    city = start_city()
    _put_operator(city, "kept")
    assert city.stop() == Exit.OK
    again = start_city()
    assert await _operators(again) == ["kept"]
    assert again.ready.tokens["operator"] == city.ready.tokens["operator"]


async def test_kill_9_of_the_supervisor_leaves_no_process_and_it_starts_again(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city()
    _put_operator(city, "kept")
    children = city.processes()
    city.kill()
    await eventually(lambda: not any(child.is_running() for child in children))
    assert await _operators(start_city()) == ["kept"]


async def test_kill_9_of_everything_at_once_and_it_starts_again(start_city: StartCity) -> None:
    city = start_city()
    _put_operator(city, "kept")
    for process in [psutil.Process(city.process.pid), *city.processes()]:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended with its parent
            process.kill()
    assert await _operators(start_city()) == ["kept"]


@pytest.mark.parametrize("role", ["api", "gateway", "worker"])
async def test_a_killed_role_comes_back(start_city: StartCity, eventually: Eventually, role: str) -> None:
    city = start_city()
    killed = city.child("serve", role)
    killed.kill()

    def another_runs() -> bool:
        children = psutil.Process(city.process.pid).children()
        return any(child.pid != killed.pid and child.cmdline()[-2:] == ["serve", role] for child in children)

    def is_ready() -> bool:
        try:
            return bool(city.get("/readyz")["ready"])
        except urllib.error.URLError:
            return False

    await eventually(another_runs)
    await eventually(is_ready)
    assert city.stop() == Exit.OK


async def test_killed_postgres_and_broker_come_back_at_their_addresses(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city()
    _put_operator(city, "kept")
    port = int(city.ready.mqtt.rsplit(":", 1)[1])
    for process in psutil.Process(city.process.pid).children():
        if process.name() == "postgres" or "app.broker" in process.cmdline():
            process.kill()

    async def answers() -> bool:
        try:
            return await _operators(city) == ["kept"]
        except (OSError, asyncpg.PostgresError):
            return False

    def broker_listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await eventually(answers, within_s=20)
    await eventually(broker_listens)


async def test_a_broker_that_does_not_answer_is_told_by_readyz(start_city: StartCity, eventually: Eventually) -> None:
    city = start_city()
    (broker,) = (child for child in city.processes() if "app.broker" in child.cmdline())

    def broker_part() -> object:
        try:
            return city.get("/readyz")["parts"]["broker"]
        except urllib.error.HTTPError as refused:
            return json.loads(refused.read())["parts"]["broker"]

    assert broker_part() == "ok"
    city.process.send_signal(signal.SIGSTOP)  # else the supervisor starts it again before anyone asks
    try:
        broker.kill()
        await eventually(lambda: broker_part() != "ok")
    finally:
        city.process.send_signal(signal.SIGCONT)
    await eventually(lambda: broker_part() == "ok", within_s=20)


def test_a_second_one_on_the_same_data_says_that_it_is_running(start_city: StartCity) -> None:
    city = start_city()
    command = berth("up", "--port", "0", "--data-dir", str(city.data_dir))
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == Exit.RUNNING_ALREADY
    assert "already running" in second.stderr
    assert city.ready.http in second.stderr


def test_a_taken_port_is_told_before_anything_starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = berth("up", "--port", str(port), "--data-dir", str(tmp_path_factory.mktemp("taken")))
        refused = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == Exit.PORT_TAKEN
    assert f"port {port} is in use" in refused.stderr


async def test_it_refuses_a_schema_that_it_does_not_know(start_city: StartCity) -> None:
    city = start_city()
    connection = await asyncpg.connect(city.ready.database)
    await connection.execute("INSERT INTO kernel.migration (number, name, sha256) VALUES (9999, 'future', '')")
    await connection.close()
    city.stop()
    command = berth("up", "--port", "0", "--data-dir", str(city.data_dir))
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == Exit.SCHEMA_MISMATCH
    assert "9999_future" in refused.stderr
