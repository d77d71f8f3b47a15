"""What every tier of tests may ask for: real PostgreSQL, real brokers, a clock that moves only when told to.

The servers live for the session; a database is fresh for every test (a clone of one that was migrated once).
"""

import getpass
import inspect
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest

from app.embedded import EmbeddedBroker, EmbeddedPostgres
from kernel.clock import ManualClock, SystemClock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of
from tests.examples import register_profiles
from tests.mosquitto import Mosquitto

for name in [name for name in os.environ if name.startswith("BERTH_")]:  # noqa: TID251 - scrubbing it is the point
    del os.environ[name]  # noqa: TID251

register_profiles()

_TEMPLATE = "berth_template"
_databases = itertools.count(1)


class Eventually(Protocol):
    """`await eventually(predicate)`: its first truthy answer (awaited if need be).

    Raises the AssertionError of its last failure after `within_s`.
    """

    async def __call__(self, predicate: Callable[[], Any], *, within_s: float = 10.0) -> Any: ...


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL, with nothing in it; `url(name)` addresses a database on it."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """The embedded broker: `url` and `port` speak MQTT 3.1.1, `url_v5` and `port_v5` MQTT 5."""
    with EmbeddedBroker() as server:
        yield server


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Debian's Mosquitto, which keeps sessions and retained messages over `stop()` and `start()`."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), user=getpass.getuser()) as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    """A Monday morning in Shenyang; moves by `clock.advance(seconds)` only."""
    return ManualClock(datetime(2026, 11, 23, 0, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> Callable[[], Awaitable[str]]:
    """Makes the migrated template at its first call; afterwards only says its name."""
    made: list[str] = []

    async def make() -> str:
        if not made:
            await _as_admin(postgres_server, f"CREATE DATABASE {_TEMPLATE}")
            await migrate(postgres_server.url(_TEMPLATE), migrations_of())
            made.append(_TEMPLATE)
        return made[0]

    return make


@pytest.fixture
async def database_url(
    postgres_server: EmbeddedPostgres, template_database: Callable[[], Awaitable[str]]
) -> AsyncIterator[str]:
    """The address of a freshly migrated database of this test's own."""
    name = f"test_{next(_databases)}"
    await _as_admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {await template_database()}")
    yield postgres_server.url(name)
    await _as_admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str, clock: ManualClock) -> AsyncIterator[Database]:
    """A freshly migrated, open `Database` whose transactions are stamped by `clock`."""
    opened = Database(database_url, clock)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def eventually() -> Eventually:
    """Waits for something another process or task does: see `Eventually`. Not for what `clock.advance` does."""
    real = SystemClock()

    async def wait(predicate: Callable[[], Any], *, within_s: float = 10.0) -> Any:
        deadline = real.monotonic() + within_s
        while True:
            failure: AssertionError | None = None
            try:
                found = predicate()
                if inspect.isawaitable(found):
                    found = await found
            except AssertionError as error:
                found, failure = None, error
            if found:
                return found
            if real.monotonic() > deadline:
                raise failure or AssertionError(f"not within {within_s} s; the last answer was {found!r}")
            await real.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recordings and feeds that lie beside a developer's checkout; they are not ours to ship."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: tests of real recordings run only beside them")
    return folder


async def _as_admin(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
