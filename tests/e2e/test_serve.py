"""`berth serve ROLE` under a service manager: what it refuses to start on, and that it always ends in time."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.embedded import EmbeddedBroker, EmbeddedPostgres
from app.exit_codes import Exit
from app.processes import free_port, spawn, stop
from app.readiness import is_ready
from kernel.migrate import migrate, migrations_of
from kernel.settings import child_environment
from tests.conftest import Eventually
from tests.e2e.outside import berth


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, because it is going to be stopped in the middle."""
    with EmbeddedPostgres(tmp_path / "own") as server:
        yield server


@pytest.fixture
def settings(own_postgres: EmbeddedPostgres, broker: EmbeddedBroker, tmp_path: Path) -> dict[str, str]:
    return {
        "BERTH_DATABASE_URL": own_postgres.url(),
        "BERTH_MQTT_URL": broker.url,
        "BERTH_MQTT_V5_URL": broker.url_v5,
        "BERTH_DATA_DIR": str(tmp_path / "var"),
        "BERTH_GATEWAY__CLIENT_ID": f"gateway-{tmp_path.name.lower().replace('_', '-')}"[:60],
    }


@pytest.mark.parametrize("role", ["api", "gateway", "worker"])
async def test_it_ends_within_ten_seconds_of_sigterm_even_when_the_database_does_not_answer(
    own_postgres: EmbeddedPostgres, settings: dict[str, str], eventually: Eventually, role: str
) -> None:
    await migrate(own_postgres.url(), migrations_of())
    port = str(free_port())
    environment = child_environment(**settings, BERTH_HTTP_PORT=port, BERTH_MONITOR_PORT=port)
    process = spawn(berth("serve", role), env=environment)
    assert own_postgres.process is not None
    try:
        await eventually(lambda: is_ready(f"http://127.0.0.1:{port}"), within_s=60)
        frozen = psutil.Process(own_postgres.process.pid)
        for each in [frozen, *frozen.children()]:
            each.suspend()
        assert stop(process, signal.SIGTERM, patience_s=10) == Exit.OK
    finally:
        stop(process, signal.SIGKILL)
        for each in psutil.Process(own_postgres.process.pid).children():
            each.resume()
        psutil.Process(own_postgres.process.pid).resume()


async def test_it_waits_for_a_database_that_is_still_starting(
    own_postgres: EmbeddedPostgres, settings: dict[str, str], eventually: Eventually
) -> None:
    await migrate(own_postgres.url(), migrations_of())
    own_postgres.stop()
    port = str(free_port())
    process = spawn(berth("serve", "worker"), env=child_environment(**settings, BERTH_MONITOR_PORT=port))
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        own_postgres.start()
        await eventually(lambda: is_ready(f"http://127.0.0.1:{port}"), within_s=60)
    finally:
        stop(process, signal.SIGKILL)


def _refused(settings: dict[str, str], *roles: str) -> subprocess.CompletedProcess[str]:
    command = berth("serve", *roles)
    environment = child_environment(**settings)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_it_refuses_a_database_without_schema(settings: dict[str, str]) -> None:
    refused = _refused(settings, "api")
    assert refused.returncode == Exit.SCHEMA_MISMATCH
    assert "run `berth migrate`" in refused.stderr


async def test_it_refuses_a_database_that_a_newer_version_migrated(
    own_postgres: EmbeddedPostgres, settings: dict[str, str]
) -> None:
    await migrate(own_postgres.url(), migrations_of())
    connection = await asyncpg.connect(own_postgres.url())
    await connection.execute("INSERT INTO kernel.migration (number, name, sha256) VALUES (9999, 'future', '')")
    await connection.close()
    refused = _refused(settings, "worker")
    assert refused.returncode == Exit.SCHEMA_MISMATCH
    assert "9999_future" in refused.stderr


def test_it_refuses_a_misspelt_setting_and_says_what_was_meant(settings: dict[str, str]) -> None:
    refused = _refused(settings | {"BERTH_MQTT_ULR": "mqtt://x"}, "gateway")
    assert refused.returncode == Exit.USAGE
    assert "BERTH_MQTT_ULR is not a setting; did you mean BERTH_MQTT_URL?" in refused.stderr


def test_it_refuses_to_start_without_addresses() -> None:
    refused = _refused({}, "gateway")
    assert refused.returncode == Exit.USAGE
    assert "BERTH_DATABASE_URL" in refused.stderr
