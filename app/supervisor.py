"""`berth up`: one command that brings up everything on one machine, keeps it up, and takes it down again.

It starts what has no address (PostgreSQL, the broker), prepares the database in a child of its own (`app.prepare`, so
that nothing heavy stays in memory here), then runs a child a role and waits until each says that it is ready. Children
that crash are started again, and so is a broker that lets nobody in (`app.broker_watch`); SIGINT and SIGTERM end all of
them in order; when we are killed, the kernel ends them.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec.json import decode

from app.broker_watch import broker_watched
from app.children import Child, Children
from app.data_dir import DataDir, Running
from app.embedded import EmbeddedBroker, EmbeddedFailed, EmbeddedPostgres
from app.exit_codes import CommandFailed, Exit
from app.prepared import Prepared
from app.processes import LOOPBACK, exited, free_port, spawn
from app.readiness import all_ready
from app.settings import BerthSettings
from app.signals import until_stopped
from app.voice import Voice
from kernel.clock import Clock
from kernel.settings import child_environment

DEMO_DRIVERS = 60
"""So many reserve spaces in the demo: one is held every twenty seconds or so."""
DEMO_PARKERS = 20
"""So many park and pay later: one leaves every few seconds."""
DEMO_CAMERA_SPACES = 600
"""Lanes of so many spaces read plates in the demo, at its usual speed: a few vehicles a second, each of which is billed
when it leaves; a laptop does that beside everything else.
"""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `berth up` was asked for; `port` 0 is any free one."""

    demo: bool
    car_parks: int
    speed: float
    host: str
    port: int
    gateways: int


async def up(options: UpOptions, settings: BerthSettings, clock: Clock, voice: Voice) -> None:
    """Run until SIGINT or SIGTERM. Raises CommandFailed, with everything ended, when it cannot start or go on."""
    data = DataDir(settings.data_dir)
    with data.owned():
        supervisor = _Supervisor(options, settings, clock, voice, data)
        await until_stopped(supervisor.run(), on_stop=lambda: voice.say("stopping"))


class _Supervisor:
    def __init__(self, options: UpOptions, settings: BerthSettings, clock: Clock, voice: Voice, data: DataDir) -> None:
        self._options = options
        self._settings = settings
        self._clock = clock
        self._voice = voice
        self._data = data
        self._children = Children(clock)

    async def run(self) -> None:
        port = self._http_port()
        host = LOOPBACK if self._options.host in ("0.0.0.0", "::") else self._options.host
        async with contextlib.AsyncExitStack() as stack:
            database, database_socket = await stack.enter_async_context(self._database())
            mqtt, mqtt_v5 = await stack.enter_async_context(self._broker())
            running = Running(os.getpid(), f"http://{host}:{port}", mqtt, mqtt_v5, database, database_socket)
            monitors = {name: free_port() for name in (*self._gateways(), "worker")}
            environment = self._environment(running, port, monitors)
            with self._voice.step("database"):
                prepared = await self._prepare(environment)
            if prepared.seeded:
                self._voice.say(f"a city of {prepared.seeded} car parks was made")
            roles = [_berth("api", "serve", "api", environment=environment)]
            for name, monitor in monitors.items():
                role, _, _number = name.partition("-")
                roles.append(
                    _berth(name, "serve", role, environment=environment | {"BERTH_MONITOR_PORT": str(monitor)})
                )
            await stack.enter_async_context(self._children.kept(*roles))
            with self._voice.step("services"):
                addresses = [running.http, *(f"http://{LOOPBACK}:{monitor}" for monitor in monitors.values())]
                await self._children.watched(all_ready(addresses, self._clock))
            stack.enter_context(self._data.announced(running))
            if self._options.demo:
                spaces = round(DEMO_CAMERA_SPACES * 60 / self._options.speed)
                said = [f"--speed={self._options.speed:g}", f"--cameras={spaces}", "--misread=0.02", "--missed=0.01"]
                if not self._settings.auth.issuer:  # whose tokens we cannot make
                    said += [f"--drivers={DEMO_DRIVERS}", f"--parkers={DEMO_PARKERS}"]
                simulator = _berth("simulate", "simulate", *said, environment=environment)
                await stack.enter_async_context(self._children.kept(simulator))
            self._voice.announce(running, prepared.driver_token, prepared.operator_key)
            await self._children.watched(_for_ever())

    def _http_port(self) -> int:
        asked = self._options.port
        try:
            found = free_port(asked, self._options.host)
        except OSError as error:
            raise CommandFailed(Exit.USAGE, f"cannot listen on {self._options.host}: {error}") from None
        if asked not in (0, found):
            raise CommandFailed(Exit.PORT_TAKEN, f"port {asked} is in use; choose another --port (0: any free one)")
        return found

    @contextlib.asynccontextmanager
    async def _database(self) -> AsyncIterator[tuple[str, str]]:
        """The database's address for outsiders and for our own processes."""
        if self._settings.database_url:
            yield self._settings.database_url, self._settings.database_url
            return
        server = EmbeddedPostgres(self._data.path)
        try:
            with self._voice.step("PostgreSQL"), _as_command_failed():
                server.start()
            ends = (signal.SIGINT, signal.SIGQUIT)
            async with self._children.kept(Child("postgres", server.launch, running=server.process, signals=ends)):
                yield server.public_url(), server.url()
        finally:
            server.stop()

    @contextlib.asynccontextmanager
    async def _broker(self) -> AsyncIterator[tuple[str, str]]:
        """The broker's addresses for MQTT 3.1.1 and 5."""
        if self._settings.mqtt_url:
            yield self._settings.mqtt_url, self._settings.mqtt5
            return
        broker = EmbeddedBroker()
        with self._voice.step("MQTT broker"), _as_command_failed():
            broker.start()
        child = Child("broker", broker.launch, running=broker.process, patience_s=2.0)
        async with self._children.kept(child), broker_watched(broker, self._clock):
            yield broker.url, broker.url_v5

    def _environment(self, running: Running, port: int, monitors: dict[str, int]) -> dict[str, str]:
        also = {role: f"http://{LOOPBACK}:{monitor}/metrics" for role, monitor in monitors.items()}
        asked = "log_level" in self._settings.model_fields_set
        level = "WARNING" if self._voice.on_terminal and not asked else self._settings.log_level
        return child_environment(
            BERTH_LOG_LEVEL=level,  # on a terminal, the addresses must not scroll away
            BERTH_DATABASE_URL=running.database_socket,
            BERTH_MQTT_URL=running.mqtt,
            BERTH_MQTT_V5_URL=running.mqtt_v5,
            BERTH_HTTP_HOST=self._options.host,
            BERTH_HTTP_PORT=str(port),
            BERTH_DATA_DIR=str(self._data.path),
            BERTH_METRICS_ALSO=json.dumps(also),
            BERTH_GATEWAY__PARTITIONS=str(self._partitions()),
            **({} if self._settings.mqtt_url else {"BERTH_GATEWAY__MESSAGE_EXPIRY": "false"}),
        )

    def _partitions(self) -> int:
        """As set, and then gateways beyond it are spare; otherwise as many as there are gateways."""
        if "partitions" in self._settings.gateway.model_fields_set:
            return self._settings.gateway.partitions
        return self._options.gateways

    async def _prepare(self, environment: dict[str, str]) -> Prepared:
        """Migrate, seed, make credentials: in a child, whose output says what came of it. Raises CommandFailed."""
        car_parks = self._options.car_parks if self._options.demo else 0
        argv = [sys.executable, "-m", "app.prepare", str(car_parks)]
        process = spawn(argv, env=environment, stdout=subprocess.PIPE)
        try:
            code = await exited(process)
        finally:
            process.kill()
            process.wait()
        assert process.stdout is not None  # noqa: S101 - it is a pipe, see above
        with process.stdout as output:
            if code == 0:
                return decode(output.read(), type=Prepared)
        reason = Exit(code) if code in set(Exit) else Exit.FAILED
        raise CommandFailed(reason, "the database could not be prepared; the reason is above")

    def _gateways(self) -> list[str]:
        return ["gateway", *(f"gateway-{number}" for number in range(2, self._options.gateways + 1))]


def _berth(name: str, *arguments: str, environment: dict[str, str]) -> Child:
    """A child that runs our own command line."""
    script = Path(sys.executable).with_name("berth")
    command = [sys.executable, str(script)] if script.exists() else [sys.executable, "-m", "app.cli"]
    argv = [*command, *arguments]
    # SIGKILL, because what outlives the supervisor would hold the ports that its successor needs.
    return Child(name, lambda: spawn(argv, env=environment, death_signal=signal.SIGKILL))


async def _for_ever() -> None:
    await asyncio.Event().wait()


@contextlib.contextmanager
def _as_command_failed() -> Iterator[None]:
    try:
        yield
    except EmbeddedFailed as error:
        raise CommandFailed(Exit.UNREACHABLE, str(error)) from error
