"""The database's server in trouble of its own: crash recovery that takes its time, no connection left, a full disk."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.embedded import EmbeddedPostgres
from kernel.clock import SystemClock
from kernel.migrate import migrate, migrations_of
from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import speaking
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

CONNECTIONS_MAX = 30
DISK_BYTES = 256 * 1024 * 1024
_SMALL_LOG = {"min_wal_size": "32MB", "max_wal_size": "48MB"}


async def test_immediate_shutdown_and_long_recovery(
    mortal_site: Site, own_postgres: EmbeddedPostgres, scale: Scale, record: Record
) -> None:
    """For seconds the server is there and says only that it is starting up."""
    site = mortal_site
    refused = 0
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.turns):
            await site.work_goes_on(events=500)
            assert own_postgres.process is not None
            own_postgres.process.send_signal(signal.SIGQUIT)
            own_postgres.process.wait()
            own_postgres.launch()
            with await _recovery_held_up(own_postgres, site.clock):
                await site.clock.sleep(2.0)
                refused += await _is_starting_up(own_postgres)
            await site.until(own_postgres.is_ready, "the recovery does not end")
    assert refused == scale.turns, "the recovery was over too soon to prove anything"
    record(await site.healed(), scale.turns, kinds=("database kills",))


async def _recovery_held_up(server: EmbeddedPostgres, clock: SystemClock) -> contextlib.AbstractContextManager[None]:
    """Stop the process that replays the log, as if there were hours of it."""
    assert server.process is not None
    deadline = clock.monotonic() + 20.0
    while clock.monotonic() < deadline:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(server.process.pid).children():
                if "startup" in " ".join(child.cmdline()):
                    child.suspend()
                    return _resuming(child)
        await clock.sleep(0.001)
    raise AssertionError("no recovery was seen")


@contextlib.contextmanager
def _resuming(process: psutil.Process) -> Iterator[None]:
    try:
        yield
    finally:
        process.resume()


async def _is_starting_up(server: EmbeddedPostgres) -> bool:
    try:
        await (await asyncpg.connect(server.url())).close()
    except asyncpg.CannotConnectNowError:
        return True
    return False


@pytest.fixture
async def crowded_site(make_site: MakeSite, tmp_path: Path, own_broker: Mosquitto) -> AsyncIterator[Site]:
    """One whose PostgreSQL takes few connections."""
    with EmbeddedPostgres(tmp_path / "database", settings={"max_connections": str(CONNECTIONS_MAX)}) as server:
        await migrate(server.url(), migrations_of())
        yield await make_site(server.url(), own_broker.port)


async def test_no_connection_left(crowded_site: Site, scale: Scale, record: Record) -> None:
    """Others, an API under siege perhaps, took all connections there are, and the gateway lost its own."""
    site = crowded_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.turns):
            await site.work_goes_on()
            crowd = await _crowd(site.database_url)
            assert await site.received() == -1, "there was a connection left"
            await site.clock.sleep(2.0)
            await asyncio.gather(*(connection.close() for connection in crowd))
    record(await site.healed(), scale.turns)


async def _crowd(database_url: str) -> list[asyncpg.Connection]:
    """All connections that the server has to give, those of the gateway included, which it loses."""
    crowd = [await asyncpg.connect(database_url)]
    while len(crowd) < CONNECTIONS_MAX:
        try:
            crowd.append(await asyncpg.connect(database_url))
        except asyncpg.TooManyConnectionsError:
            await crowd[0].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> ALL ($1::integer[])",
                [connection.get_server_pid() for connection in crowd],
            )
    return crowd


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of our own that can be filled without harm to anybody."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"only root may mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def cramped_postgres(small_disk: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(small_disk / "database", settings=_SMALL_LOG) as server:
        yield server


async def test_full_disk(
    make_site: MakeSite,
    small_disk: Path,
    cramped_postgres: EmbeddedPostgres,
    own_broker: Mosquitto,
    scale: Scale,
    record: Record,
) -> None:
    """Nothing fits on the database's disk any more, be it a row or the log; then somebody makes room."""
    await migrate(cramped_postgres.url(), migrations_of())
    site = await make_site(cramped_postgres.url(), own_broker.port)
    ballast = small_disk / "ballast"
    crashes = 0
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.turns):
            await site.work_goes_on()
            _fill(ballast)
            await _stands_still(site)
            ballast.unlink()
            assert cramped_postgres.process is not None
            if cramped_postgres.process.poll() is not None:  # where its log does not fit, PostgreSQL ends itself
                crashes += 1
                cramped_postgres.start()
    record(await site.healed(), scale.turns, f"PostgreSQL ended itself {crashes} times")


def _fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)


async def _stands_still(site: Site) -> None:
    """Return when nothing has been committed for a second."""
    deadline = site.clock.monotonic() + 60.0
    while site.clock.monotonic() < deadline:
        before = await site.received()
        await site.clock.sleep(1.0)
        if await site.received() in (before, -1):
            return
    raise AssertionError("the disk does not get full")
