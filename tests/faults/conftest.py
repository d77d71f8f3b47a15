"""`--faults=long` is the long set (`make faults`); the quick one is part of `make test`. Every fault has a seed."""

import getpass
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from app.bench.gateway_process import GatewayProcess
from app.processes import LOOPBACK
from kernel.clock import SystemClock
from tests.faults.devices import Devices, register
from tests.faults.oracle import Verdict
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

_RESULTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("quick", "long"), default="quick", help="how often each fault is done")
    parser.addoption("--seed", type=int, default=20_261_124, help="one seed replays one failure")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything: `kills` of each victim, `rounds` of each lesser fault."""

    kills: int
    rounds: int
    seconds: float


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    """Quick: 2 kills of each kind; long: 10."""
    if request.config.getoption("--faults", default="quick") == "long":
        return Scale(kills=10, rounds=8, seconds=60.0)
    return Scale(kills=2, rounds=2, seconds=4.0)


@pytest.fixture
def long_only(request: pytest.FixtureRequest) -> None:
    """For faults that take minutes by their nature."""
    if request.config.getoption("--faults", default="quick") != "long":
        pytest.skip("only in the long set: make faults")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--seed", default=20_261_124))


@pytest.fixture
def dice(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def real_clock() -> SystemClock:
    """Faults happen to processes, and those live in real time."""
    return SystemClock()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto of this test's own: the session of an earlier gateway would bring its messages along."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    server = Mosquitto(folder, user=getpass.getuser())
    server.start()
    yield server
    server.stop()


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


class Record(Protocol):
    """Keeps the verdict on a fault that was done so many times."""

    def __call__(self, verdict: Verdict, times: int, remark: str = "") -> None: ...


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Keeps verdicts for the table at the end of the run."""

    def keep(verdict: Verdict, times: int, remark: str = "") -> None:
        line = (
            f"| {request.node.name} | {times} | {verdict.events:,} | {verdict.history:,} | {len(verdict.lost)} "
            f"| {len(verdict.doubled) + len(verdict.invented)} | {len(verdict.wrong)} | {remark} |"
        )
        request.config.stash.setdefault(_RESULTS, []).append(line)

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of docs/reliability.md."""
    lines = config.stash.get(_RESULTS, [])
    if lines:
        terminalreporter.section("faults")
        terminalreporter.write_line("| fault | times | events said | in history | lost | doubled | wrong | |")
        terminalreporter.write_line("|---|---|---|---|---|---|---|---|")
        for line in lines:
            terminalreporter.write_line(line)
