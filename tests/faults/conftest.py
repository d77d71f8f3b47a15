"""`--faults=long` is the long set (`make faults`); the quick one is part of `make test`. One seed replays one run."""

import getpass
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from app.bench.gateway_process import GatewayProcess
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from kernel.clock import SystemClock
from kernel.migrate import migrate, migrations_of
from tests.faults.devices import Devices, register
from tests.faults.proxy import Proxy, by_proxy
from tests.faults.reporting import (
    SEED,
    Record,
    begin,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    record,
)
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

__all__ = ["MakeSite", "Record", "Scale", "pytest_runtest_makereport", "pytest_terminal_summary", "record"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("quick", "long"), default="quick", help="how often each fault is done")
    parser.addoption("--seed", type=int, default=SEED, help="one seed replays one failure")
    parser.addoption("--soak-minutes", type=float, default=3.0, help="how long the soak of the long set lasts")
    parser.addoption("--report", type=Path, default=None, help="a page whose table of results is written anew")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runs(n): in the long set the test runs n times, each by a seed of its own")
    config.addinivalue_line("markers", "long_only: takes minutes by its nature, or adds little to the quick set")
    begin(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long_only") is not None and not _is_long(config):
            item.add_marker(pytest.mark.skip(reason="only in the long set: make faults"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Many short runs instead of a long one: the ledger of each fits into memory and is judged in a moment."""
    marker = metafunc.definition.get_closest_marker("runs")
    if marker is not None and _is_long(metafunc.config):
        metafunc.parametrize("run", range(marker.args[0]), ids=[f"run{number}" for number in range(marker.args[0])])


def _is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults", default="quick") == "long")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything in one run: `kills` of each victim, `rounds` of lesser faults, `turns` of slow ones."""

    kills: int
    rounds: int
    turns: int
    seconds: float


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    """Quick: everything once; long: 10 kills of each kind a run."""
    if _is_long(request.config):
        return Scale(kills=10, rounds=8, turns=4, seconds=60.0)
    return Scale(kills=1, rounds=1, turns=1, seconds=2.0)


@pytest.fixture
def run() -> int:
    """Which one of several runs this is."""
    return 0


@pytest.fixture
def seed(request: pytest.FixtureRequest, run: int) -> int:
    return int(request.config.getoption("--seed", default=SEED)) + run


@pytest.fixture
def dice(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def real_clock() -> SystemClock:
    """Faults happen to processes, and those live in real time."""
    return SystemClock()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto of this test's own: the session of an earlier gateway would bring its messages along.

    It saves when it is stopped: with every change it would be too slow for the load (see docs/brokers.md).
    """
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    more = "autosave_on_changes false\nautosave_interval 0\n"
    with Mosquitto(folder, user=getpass.getuser(), more=more) as server:
        yield server


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that may be killed: nobody else uses it."""
    with EmbeddedPostgres(tmp_path / "database") as server:
        yield server


@pytest.fixture
async def to_broker(own_broker: Mosquitto, real_clock: SystemClock, seed: int) -> AsyncIterator[Proxy]:
    """The gateway's line to its broker, and nobody else's."""
    async with Proxy(own_broker.port, real_clock, seed=seed) as proxy:
        yield proxy


@pytest.fixture
async def to_database(postgres_server: EmbeddedPostgres, real_clock: SystemClock, seed: int) -> AsyncIterator[Proxy]:
    """The gateway's line to its database, and nobody else's."""
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        yield proxy


class MakeSite(Protocol):
    """Builds a site on given addresses; see `Site`."""

    async def __call__(
        self,
        database_url: str,
        broker_port: int,
        *,
        through: str = "",
        mqtt_port: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> Site: ...


@pytest.fixture
async def make_site(tmp_path: Path, seed: int, real_clock: SystemClock) -> AsyncIterator[MakeSite]:
    """Sites whose gateway ends with the test. `through` and `mqtt_port` lead the gateway through a proxy."""
    made: list[GatewayProcess] = []

    async def make(
        database_url: str,
        broker_port: int,
        *,
        through: str = "",
        mqtt_port: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> Site:
        await register(database_url)
        gateway = GatewayProcess(
            tmp_path,
            database_url=through or database_url,
            mqtt_url=f"mqtt://{LOOPBACK}:{mqtt_port or broker_port}",
            settings=dict(settings or {}),
        )
        made.append(gateway)
        return Site(real_clock, database_url, broker_port, gateway, Devices.of_seed(seed, real_clock.now()))

    yield make
    for gateway in made:
        gateway.kill()


@pytest.fixture
async def site(make_site: MakeSite, database_url: str, own_broker: Mosquitto) -> Site:
    """The plain one: the session's PostgreSQL, a Mosquitto of its own, nothing in between."""
    return await make_site(database_url, own_broker.port)


@pytest.fixture
async def broker_line_site(make_site: MakeSite, database_url: str, own_broker: Mosquitto, to_broker: Proxy) -> Site:
    """One whose gateway reaches the broker over `to_broker`."""
    return await make_site(database_url, own_broker.port, mqtt_port=to_broker.port)


@pytest.fixture
async def database_line_site(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    to_database: Proxy,
) -> Site:
    """One whose gateway reaches the database over `to_database`."""
    through = by_proxy(postgres_server, database_url, to_database)
    return await make_site(database_url, own_broker.port, through=through)


@pytest.fixture
async def lines_site(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    to_database: Proxy,
    to_broker: Proxy,
) -> Site:
    """One whose gateway reaches both over a line that can be cut."""
    through = by_proxy(postgres_server, database_url, to_database)
    return await make_site(database_url, own_broker.port, through=through, mqtt_port=to_broker.port)


@pytest.fixture
async def mortal_site(make_site: MakeSite, own_postgres: EmbeddedPostgres, own_broker: Mosquitto) -> Site:
    """One whose PostgreSQL is its own."""
    await migrate(own_postgres.url(), migrations_of())
    return await make_site(own_postgres.url(), own_broker.port)
