"""Everything on the oldest PostgreSQL that is promised, over TCP with a password and verified TLS."""

import signal
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from app.embedded import EmbeddedBroker
from app.exit_codes import Exit
from app.processes import LOOPBACK, free_port, spawn, stop
from app.readiness import is_ready
from gateway.partition_lease import SlotLease
from gateway.settings import GatewaySettings
from kernel.clock import SystemClock
from kernel.db import Database, DatabaseAway
from kernel.migrate import migrate, migrations_of
from kernel.settings import child_environment
from tests.conftest import Eventually
from tests.e2e.outside import berth
from tests.integration.database.postgres15 import OLDEST, Postgres15
from tests.integration.gateway.conftest import Client, now, register


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Postgres15]:
    made = Postgres15(tmp_path, tls=True)
    await made.start()
    yield made
    made.stop()


async def test_from_an_event_to_an_answer(
    server: Postgres15, broker: EmbeddedBroker, tmp_path: Path, eventually: Eventually
) -> None:
    url = server.url(sslmode="verify-full", sslrootcert=str(server.ca_file))
    port, monitor = free_port(), free_port()
    settings = child_environment(
        BERTH_DATABASE_URL=url,
        BERTH_MQTT_URL=broker.url,
        BERTH_MQTT_V5_URL=broker.url_v5,
        BERTH_DATA_DIR=str(tmp_path / "var"),
        BERTH_HTTP_PORT=str(port),
        BERTH_MONITOR_PORT=str(monitor),
        BERTH_GATEWAY__CLIENT_ID="gateway-on-15",
    )
    migrated = subprocess.run(berth("migrate"), env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert migrated.returncode == Exit.OK, migrated.stderr
    assert "0004_gateway" in migrated.stdout

    db = Database(url, SystemClock())
    await db.open()
    async with db.transaction(readonly=True) as tx:
        version = await tx.fetchval("SELECT current_setting('server_version_num')::integer / 10000")
        encrypted = await tx.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        superuser = await tx.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert (version, encrypted, superuser) == (OLDEST, True, False)
    await register(db, "mall-15")
    await db.close()

    processes = [spawn(berth("serve", role), env=settings) for role in ("api", "gateway")]
    processes.append(spawn(berth("serve", "worker"), env={**settings, "BERTH_MONITOR_PORT": "0"}))
    try:
        for address in (f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{monitor}"):
            await eventually(partial(is_ready, address), within_s=60)
        device = Client(broker.url_v5, client_id="device-on-15")
        async with device.connected(), aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as http:
            for number in range(1, 6):
                device.say("spaces", {"space": f"B1-{number}", "state": "occupied", "at": now(-1)}, car_park="mall-15")

            async def told() -> bool:
                async with http.get("/v1/car-parks/mall-15") as answer:
                    return answer.status == 200 and (await answer.json())["availability"]["occupied"] == 5

            await eventually(told, within_s=30)
            for path in (
                "/v1/car-parks?limit=5",
                "/v1/car-parks/mall-15/spaces",
                f"/v1/car-parks/mall-15/history?from={now(-3600)}&until={now()}&step=PT15M".replace("+", "%2B"),
                "/readyz",
            ):
                async with http.get(path) as answer:
                    assert answer.status == 200, (path, await answer.text())
    finally:
        codes = [stop(process, signal.SIGTERM, patience_s=15) for process in processes]
    assert codes == [Exit.OK] * 3


async def test_tls_that_cannot_be_verified_is_refused_and_the_reason_told(server: Postgres15, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    with pytest.raises(DatabaseAway, match=r"(?i)certificate verify failed"):
        await Database(server.url(sslmode="verify-full", sslrootcert=str(other)), SystemClock()).open()
    with pytest.raises(DatabaseAway, match=r"(?i)no encryption|pg_hba"):
        await Database(server.url(sslmode="disable"), SystemClock()).open()
    with pytest.raises(DatabaseAway, match=r"(?i)password authentication failed"):
        await Database(server.url(sslmode="require").replace("berth:", "berth:x"), SystemClock()).open()


async def test_tls_that_is_asked_for_and_not_there_is_no_connection(tmp_path: Path) -> None:
    plain = Postgres15(tmp_path, tls=False)
    await plain.start()
    try:
        with pytest.raises(DatabaseAway, match=r"(?i)rejected SSL|SSL"):
            await Database(plain.url(sslmode="require"), SystemClock()).open()
        opened = Database(plain.url(sslmode="prefer"), SystemClock())
        await opened.open()
        await opened.close()
    finally:
        plain.stop()


SESSIONS = """
SELECT pid, backend_start FROM pg_stat_activity WHERE datname = 'berth' AND application_name = $1
"""


async def test_a_spare_ends_the_sessions_of_the_one_it_replaces_without_being_superuser(
    server: Postgres15, eventually: Eventually
) -> None:
    url = server.url(sslmode="require")
    await migrate(url, migrations_of())
    old, new = (Database(url, SystemClock(), name=name) for name in ("the old one", "the new one"))
    await old.open()
    await new.open()
    settings = GatewaySettings(lease_s=3)
    replaced, spare = SlotLease(old, SystemClock(), settings), SlotLease(new, SystemClock(), settings)

    async def sessions_of_the_old_one() -> set[tuple[object, ...]]:
        async with new.transaction(readonly=True) as tx:
            return {tuple(row.values()) for row in await tx.fetch(SESSIONS, "the old one")}

    await replaced.claim()
    before, held = await sessions_of_the_old_one(), [replaced.held]
    await spare.claim()
    held.append(replaced.held)
    assert held == [True, False]

    async def ended() -> bool:
        return not before & await sessions_of_the_old_one()

    assert before
    await eventually(ended)
    await replaced.give_up()
    await spare.give_up()
    await old.close()
    await new.close()
