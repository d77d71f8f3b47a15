"""What the benches of the gateway stand on: PostgreSQL, Mosquitto, a gateway process, and a city that has spoken once.

Whatever is measured, the rows are counted at the end: a bench that lost or doubled something has no figures.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from app.bench import sql
from app.bench.gateway_process import GatewayProcess
from app.bench.load import CAR_PARKS, OPERATOR, SPACES, CityLoad, car_park_id
from app.bench.mosquitto import BenchBroker
from app.bench.processes_cpu import CpuMeter, cores_used
from app.bench.publisher import Publisher
from app.bench.report import BenchImpossible
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from contracts.wire import up_topic
from kernel.clock import Clock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of

POLL_S = 0.02
STUCK_AFTER_S = 60.0
"""A gateway that commits nothing for so long has failed, and its log says why."""


@dataclass
class Rig:
    """The parts of one bench, set up once and used by every run."""

    clock: Clock
    folder: Path
    database: Database
    postgres: EmbeddedPostgres
    broker: BenchBroker
    load: CityLoad = field(init=False)
    gateway: GatewayProcess = field(init=False)

    def __post_init__(self) -> None:
        self.load = CityLoad(self.clock.now() - timedelta(hours=2))
        self.gateway = GatewayProcess(self.folder, database_url=self.postgres.url(), mqtt_url=self.broker.url)

    def meter(self, **more: int) -> CpuMeter:
        """The processes whose work is counted."""
        parts = {"gateway": self.gateway.pid, "postgres": pid_of(self.postgres), "broker": pid_of(self.broker)}
        return CpuMeter({**parts, **more})

    async def first_words(self) -> None:
        """Fill the state table (afterwards all is update, as in production) and leave a session with the broker."""
        self.gateway.start()
        before = await self.listening()
        await self.publish(self.load.batches(CAR_PARKS))
        await self.drained(before, SPACES)

    async def listening(self) -> int:
        """Ask with messages that it must refuse until one of them is in its books; how many events are in them."""
        started, before = self.clock.monotonic(), await self.received()
        while await self.received() == before:
            if self.clock.monotonic() - started > STUCK_AFTER_S or not self.gateway.is_running():
                raise BenchImpossible(f"the gateway does not listen: {self.gateway.last_words()}")
            await self.publish([(up_topic(OPERATOR, car_park_id(0), "spaces"), b"are you there?")])
            await self.clock.sleep(0.5)
        while (received := await self.received()) != before:  # until every question is answered
            before = received
            await self.clock.sleep(0.5)
        return before

    async def received(self) -> int:
        async with self.database.transaction() as tx:
            return await sql.events_received(tx)

    async def stored(self, load_before: int) -> int:
        """Rows in the history of what `load` made since it had made `load_before`."""
        async with self.database.transaction() as tx:
            return await sql.events_in_history(tx, self.load.told_at(load_before), self.load.told_at(self.load.made))

    async def publish(self, messages: Iterable[tuple[str, bytes]], *, broker: BenchBroker | None = None) -> None:
        async with Publisher(LOOPBACK, (broker or self.broker).port, "bench-publisher", self.clock) as publisher:
            for topic, payload in messages:
                await publisher.publish(topic, payload)
            await publisher.acknowledged()

    async def drained(self, before: int, events: int, meter: CpuMeter | None = None) -> tuple[float, dict[str, float]]:
        """Wait until `events` more than `before` are committed: their rate, and the cores that were busy meanwhile."""
        first_at, first_seen = 0.0, before
        cpu: dict[str, float] = {}
        seen, changed_at = before, self.clock.monotonic()
        while True:
            received = await self.received()
            now = self.clock.monotonic()
            if received > seen:
                seen, changed_at = received, now
            if first_seen == before and received > before:
                first_at, first_seen = now, received
                cpu = meter.read() if meter else {}
            if received >= before + events:
                seconds = max(now - first_at, POLL_S)
                return (received - first_seen) / seconds, cores_used(cpu, meter.read() if meter else {}, seconds)
            if now - changed_at > STUCK_AFTER_S or not self.gateway.is_running():
                raise BenchImpossible(
                    f"the gateway stopped at {received - before} of {events} events: {self.gateway.last_words()}"
                )
            await self.clock.sleep(POLL_S)

    async def drain_backlog(
        self, messages: Iterable[tuple[str, bytes]], events: int, *, dead: int = 0
    ) -> tuple[float, dict[str, float]]:
        """Publish to a gateway that is away and let it come: events a second from the first commit to the last.

        `dead` of them are to be refused. Raises BenchImpossible when one is missing or came twice.
        """
        made = self.load.made
        await self.publish(messages)
        before = await self.received()
        self.gateway.start()
        rate, cores = await self.drained(before, events, self.meter())
        await self.stop_gateway()
        missing = events - dead - await self.stored(made)
        again = await self.received() - before - events
        if missing or again:
            raise BenchImpossible(
                f"{missing} of {events} events are missing, {again} came twice: {self.gateway.last_words()}"
            )
        return rate, cores

    async def stop_gateway(self) -> None:
        code = await asyncio.to_thread(self.gateway.stop)
        if code != 0:
            raise BenchImpossible(f"the gateway ended with {code}: {self.gateway.last_words()}")


@contextlib.asynccontextmanager
async def standing_rig(clock: Clock, folder: Path) -> AsyncIterator[Rig]:
    """Everything started, the city laid out, the gateway not yet running. Raises BenchImpossible."""
    with EmbeddedPostgres(folder) as postgres, BenchBroker(folder) as broker:
        await migrate(postgres.url(), migrations_of())
        database = Database(postgres.url(), clock, connections_max=2, name="berth bench")
        await database.open()
        rig = Rig(clock, folder, database, postgres, broker)
        try:
            async with database.transaction() as tx:
                await sql.lay_out_city(tx)
            yield rig
        finally:
            rig.gateway.kill()
            await database.close()


def pid_of(part: EmbeddedPostgres | BenchBroker) -> int:
    """The root of its process tree."""
    if part.process is None:
        raise BenchImpossible("a part of the bench is not running")
    return part.process.pid
