"""How many events a second one gateway process makes durable.

Every run is fair to both sides in the same way: the broker holds the messages in the persistent session of a receiver
that is away, the receiver starts, and the time runs from its first to its last message. Nobody publishes meanwhile,
so what is measured is receiving, not the publisher's share of the processor. For the gateway a message counts when
its transaction has committed (read by SQL from another connection); the baseline only receives and acknowledges.
Runs of the two alternate, each on its own Mosquitto. The rows are counted by SQL at the end.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

from app.bench import sql
from app.bench.gateway_process import GatewayProcess
from app.bench.load import OPERATOR, SPACES, SPACES_EACH, CityLoad, car_park_id
from app.bench.mosquitto import BenchBroker
from app.bench.processes_cpu import CpuMeter, cores_used
from app.bench.publisher import Publisher
from app.bench.report import BenchImpossible, BenchReport, Result, spread
from app.bench.stock_receiver import drain_stock, subscribe_stock
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from contracts.wire import up_topic
from kernel.clock import Clock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of

SINGLES = 40_000
BATCHES = 500
"""Messages of SPACES_EACH events: the whole city once."""
_POLL_S = 0.02
_STUCK_AFTER_S = 60.0
"""A gateway that commits nothing for so long has failed, and its log says why."""


@dataclass
class Figures:
    """What the runs gave, one entry a run."""

    stock: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    copy_500: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    cores: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)

    def note_cpu(self, kind: str, cores: dict[str, float], *, rate: float) -> None:
        """Cores kept busy, and CPU microseconds an event: the second hardly depends on what else the machine does."""
        for name, used in cores.items():
            self.cores.setdefault(f"{kind}_cores_{name}", []).append(used)
            self.cpu_us.setdefault(f"{kind}_cpu_us_{name}", []).append(1e6 * used / rate)


async def measure_ingest(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `durable_events_s_single` and `durable_events_s_batch500`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        folder = Path(name)
        (folder / "stock").mkdir()
        with (
            EmbeddedPostgres(folder) as postgres,
            BenchBroker(folder) as broker,
            BenchBroker(folder / "stock") as stock_broker,
        ):
            await migrate(postgres.url(), migrations_of())
            database = Database(postgres.url(), clock, connections_max=2, name="berth bench")
            await database.open()
            try:
                rig = _Rig(clock, database, _Parts(folder, postgres, broker, stock_broker))
                return await rig.measure(runs, progress)
            finally:
                await database.close()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What runs beside the gateway."""

    folder: Path
    postgres: EmbeddedPostgres
    broker: BenchBroker
    stock_broker: BenchBroker


class _Rig:
    """The parts of one bench, set up once and used by every run."""

    def __init__(self, clock: Clock, database: Database, parts: _Parts) -> None:
        self.clock, self.database = clock, database
        self.postgres, self.broker, self.stock_broker = parts.postgres, parts.broker, parts.stock_broker
        self.gateway = GatewayProcess(parts.folder, database_url=parts.postgres.url(), mqtt_url=parts.broker.url)
        self.load = CityLoad(clock.now() - timedelta(hours=2))
        self.figures = Figures()

    async def measure(self, runs: int, progress: Callable[[str], None]) -> BenchReport:
        progress(f"laying out {SPACES:,} spaces")
        async with self.database.transaction() as tx:
            await sql.lay_out_city(tx)
            await sql.create_copy_target(tx)
        progress("a first word from every space")
        await self._first_words()
        for number in range(1, runs + 1):
            progress(f"run {number} of {runs}: stock paho, one event a message")
            await self._stock(number)
            progress(f"run {number} of {runs}: gateway, one event a message")
            await self._single(number)
            progress(f"run {number} of {runs}: gateway, {SPACES_EACH} events a message")
            await self._batch(number)
            progress(f"run {number} of {runs}: raw COPY of the same rows")
            await self._copy(number)
        return self._report(runs)

    async def _first_words(self) -> None:
        """Fill the state table (afterwards all is update, as in production) and leave a session with the broker."""
        self.gateway.start()
        before = await self._listening()
        await self._publish(self.broker, self.load.batches(BATCHES, epoch="first"))
        await self._drained(before, SPACES)
        await self._stop_gateway()

    async def _listening(self) -> int:
        """Ask with messages that it must refuse until one of them is in its books; how many events are in them."""
        started = self.clock.monotonic()
        while await self._received() == 0:
            if self.clock.monotonic() - started > _STUCK_AFTER_S or not self.gateway.is_running():
                raise BenchImpossible(f"the gateway does not listen: {self.gateway.last_words()}")
            await self._publish(self.broker, [(up_topic(OPERATOR, car_park_id(0), "spaces"), b"are you there?")])
            await self.clock.sleep(0.5)
        return await self._received()

    async def _received(self) -> int:
        async with self.database.transaction() as tx:
            return await sql.events_received(tx)

    async def _stock(self, number: int) -> None:
        await subscribe_stock(self.stock_broker.port)
        messages = CityLoad(self.load.at, self.load.made).singles(SINGLES, epoch=f"single-{number}")
        await self._publish(self.stock_broker, messages)
        meter = CpuMeter({"broker": _pid(self.stock_broker)})
        before, started = meter.read(), self.clock.monotonic()
        drained = await drain_stock(self.stock_broker.port, SINGLES)
        cores = cores_used(before, meter.read(), self.clock.monotonic() - started)
        self.figures.stock.append(SINGLES / drained.seconds)
        cores["paho"] = drained.cpu_s / drained.seconds
        self.figures.note_cpu("stock", cores, rate=SINGLES / drained.seconds)

    async def _single(self, number: int) -> None:
        messages = self.load.singles(SINGLES, epoch=f"single-{number}")
        self.figures.single.append(await self._gateway_run("single", number, messages, SINGLES))

    async def _batch(self, number: int) -> None:
        messages = self.load.batches(BATCHES, epoch=f"batch-{number}")
        self.figures.batch.append(await self._gateway_run("batch", number, messages, SPACES))

    async def _gateway_run(self, kind: str, number: int, messages: Iterable[tuple[str, bytes]], events: int) -> float:
        """Events a second, from the first commit seen to the last."""
        await self._publish(self.broker, messages)
        before = await self._received()
        self.gateway.start()
        meter = CpuMeter({"gateway": self.gateway.pid, "postgres": _pid(self.postgres), "broker": _pid(self.broker)})
        rate, cores = await self._drained(before, events, meter)
        await self._stop_gateway()
        async with self.database.transaction() as tx:
            stored = await sql.events_in_history(tx, f"{kind}-{number}")
        again = await self._received() - before - events
        if stored != events or again:
            raise BenchImpossible(
                f"{events - stored} of {events} events are missing, {again} came twice: {self.gateway.last_words()}"
            )
        self.figures.note_cpu(kind, cores, rate=rate)
        return rate

    async def _copy(self, number: int) -> None:
        async with self.database.transaction() as tx:
            rows = await sql.read_events(tx, f"batch-{number}")
        for whole, rates in ((True, self.figures.copy), (False, self.figures.copy_500)):
            async with self.database.transaction() as tx:
                await sql.empty_copy_target(tx)
            step = len(rows) if whole else SPACES_EACH
            started = self.clock.monotonic()
            for start in range(0, len(rows), step):
                async with self.database.transaction() as tx:
                    await sql.copy_events(tx, rows[start : start + step])
            rates.append(len(rows) / (self.clock.monotonic() - started))

    async def _publish(self, broker: BenchBroker, messages: Iterable[tuple[str, bytes]]) -> None:
        async with Publisher(LOOPBACK, broker.port, "bench-publisher", self.clock) as publisher:
            for topic, payload in messages:
                await publisher.publish(topic, payload)
            await publisher.acknowledged()

    async def _drained(self, before: int, events: int, meter: CpuMeter | None = None) -> tuple[float, dict[str, float]]:
        """Wait until `events` more than `before` are committed: their rate, and the cores that were busy meanwhile."""
        first_at, first_seen = 0.0, before
        cpu: dict[str, float] = {}
        seen, changed_at = before, self.clock.monotonic()
        while True:
            received = await self._received()
            now = self.clock.monotonic()
            if received > seen:
                seen, changed_at = received, now
            if first_seen == before and received > before:
                first_at, first_seen = now, received
                cpu = meter.read() if meter else {}
            if received >= before + events:
                seconds = max(now - first_at, _POLL_S)
                return (received - first_seen) / seconds, cores_used(cpu, meter.read() if meter else {}, seconds)
            if now - changed_at > _STUCK_AFTER_S or not self.gateway.is_running():
                raise BenchImpossible(
                    f"the gateway stopped at {received - before} of {events} events: {self.gateway.last_words()}"
                )
            await self.clock.sleep(_POLL_S)

    async def _stop_gateway(self) -> None:
        code = await asyncio.to_thread(self.gateway.stop)
        if code != 0:
            raise BenchImpossible(f"the gateway ended with {code}: {self.gateway.last_words()}")

    def _report(self, runs: int) -> BenchReport:
        found = self.figures
        stock = spread("stock_paho_v5_messages_s", found.stock, "messages/s")
        copy = spread("raw_copy_rows_s", found.copy, "rows/s")
        copy_500 = spread("raw_copy_500_rows_s", found.copy_500, "rows/s")
        against_stock = Result("", stock[0].value, "", baseline="stock paho v5")
        against_copy = Result("", copy[0].value, "", baseline="raw COPY")
        return BenchReport(
            "ingest",
            [
                *spread("durable_events_s_single", found.single, "events/s", baseline=against_stock),
                *spread("durable_events_s_batch500", found.batch, "events/s", baseline=against_copy),
                *stock,
                *copy,
                *copy_500,
                *(Result(name, median(used), "cores") for name, used in sorted(found.cores.items())),
                *(Result(name, median(used), "us/event") for name, used in sorted(found.cpu_us.items())),
            ],
            notes=[f"median of {runs} runs, alternating with the baselines; {SINGLES:,} and {SPACES:,} events a run"],
        )


def _pid(part: EmbeddedPostgres | BenchBroker) -> int:
    if part.process is None:
        raise BenchImpossible("a part of the bench is not running")
    return part.process.pid
