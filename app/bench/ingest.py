"""How many events a second one gateway process makes durable.

Every run is fair to both sides in the same way: the broker holds the messages in the persistent session of a receiver
that is away, the receiver starts, and the time runs from its first to its last message. Nobody publishes meanwhile,
so what is measured is receiving, not the publisher's share of the processor. For the gateway a message counts when
its transaction has committed (read by SQL from another connection); stock paho only receives and acknowledges, the
naive pipeline stores each message by an INSERT of its own, where it is installed. Runs alternate, the baselines on a
Mosquitto of their own.
The rows are counted by SQL at the end.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from app.bench import sql
from app.bench.load import SPACES, SPACES_EACH, CityLoad
from app.bench.mosquitto import BenchBroker
from app.bench.processes_cpu import CpuMeter, cores_used
from app.bench.report import BenchReport, Result, spread
from app.bench.rig import Rig, pid_of, standing_rig
from app.bench.stock_receiver import drain_naive, drain_stock, has_naive, subscribe_naive, subscribe_stock
from kernel.clock import Clock

SINGLES = 40_000
NAIVE_SINGLES = 4_000
"""Enough for its rate, which is that of its commits."""
BATCHES = 500
"""Messages of SPACES_EACH events: the whole city once."""
COPY_ROWS = {"raw_copy": SPACES, "raw_copy_5000": 5_000, "raw_copy_500": SPACES_EACH}
"""Rows of one transaction: all at once, what a transaction of the gateway holds at most, what a message holds."""


@dataclass
class Figures:
    """What the runs gave, one entry a run."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    cores: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)

    def note(self, kind: str, rate: float, cores: dict[str, float] | None = None) -> None:
        """Cores kept busy, and CPU microseconds an event: the second hardly depends on what else the machine does."""
        self.rates.setdefault(kind, []).append(rate)
        for name, used in (cores or {}).items():
            self.cores.setdefault(f"{kind}_cores_{name}", []).append(used)
            self.cpu_us.setdefault(f"{kind}_cpu_us_{name}", []).append(1e6 * used / rate)


async def measure_ingest(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `durable_events_s_single` and `durable_events_s_batch500`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        folder = Path(name)
        (folder / "stock").mkdir()
        async with standing_rig(clock, folder) as rig:
            with BenchBroker(folder / "stock") as stock_broker:
                return await _Bench(rig, stock_broker).measure(runs, progress)


class _Bench:
    """Runs by turns, and what they gave."""

    def __init__(self, rig: Rig, stock_broker: BenchBroker) -> None:
        self.rig, self.stock_broker = rig, stock_broker
        self.figures = Figures()
        self.naive = has_naive()

    async def measure(self, runs: int, progress: Callable[[str], None]) -> BenchReport:
        progress(f"a first word from every one of {SPACES:,} spaces")
        async with self.rig.database.transaction() as tx:
            await sql.create_copy_target(tx)
        await self.rig.first_words()
        await self.rig.stop_gateway()
        for number in range(1, runs + 1):
            for what, step in (
                ("stock paho, one event a message", self._stock),
                ("gateway, one event a message", self._single),
                *([("aiomqtt and an INSERT for each message", self._naive)] if self.naive else []),
                (f"gateway, {SPACES_EACH} events a message", self._batch),
            ):
                progress(f"run {number} of {runs}: {what}")
                await step()
        return self._report(runs)

    def _same_again(self) -> CityLoad:
        """For a baseline: the messages that the gateway would get, without telling its spaces."""
        return CityLoad(self.rig.load.at, self.rig.load.made)

    async def _stock(self) -> None:
        await subscribe_stock(self.stock_broker.port)
        await self.rig.publish(self._same_again().singles(SINGLES), broker=self.stock_broker)
        meter = CpuMeter({"broker": pid_of(self.stock_broker)})
        before, started = meter.read(), self.rig.clock.monotonic()
        drained = await drain_stock(self.stock_broker.port, SINGLES)
        cores = cores_used(before, meter.read(), self.rig.clock.monotonic() - started)
        cores["paho"] = drained.cpu_s / drained.seconds
        self.figures.note("stock", SINGLES / drained.seconds, cores)

    async def _naive(self) -> None:
        url = self.rig.postgres.url()
        await subscribe_naive(self.stock_broker.port, url)
        await self.rig.publish(self._same_again().singles(NAIVE_SINGLES), broker=self.stock_broker)
        drained = await drain_naive(self.stock_broker.port, url, NAIVE_SINGLES)
        self.figures.note("naive", NAIVE_SINGLES / drained.seconds, {"naive": drained.cpu_s / drained.seconds})

    async def _single(self) -> None:
        self.figures.note("single", *await self.rig.drain_backlog(self.rig.load.singles(SINGLES), SINGLES))

    async def _batch(self) -> None:
        before = self.rig.load.made
        self.figures.note("batch", *await self.rig.drain_backlog(self.rig.load.batches(BATCHES), SPACES))
        told_at = self.rig.load.told_at
        async with self.rig.database.transaction() as tx:
            rows = await sql.read_events(tx, told_at(before), told_at(self.rig.load.made))
        for name, step in COPY_ROWS.items():
            async with self.rig.database.transaction() as tx:
                await sql.empty_copy_target(tx)
            started = self.rig.clock.monotonic()
            for start in range(0, len(rows), step):
                async with self.rig.database.transaction() as tx:
                    await sql.copy_events(tx, rows[start : start + step])
            self.figures.note(name, len(rows) / (self.rig.clock.monotonic() - started))

    def _report(self, runs: int) -> BenchReport:
        found = self.figures
        baselines = {
            "stock": ("stock paho v5", spread("stock_paho_v5_messages_s", found.rates["stock"], "messages/s")),
            "raw_copy": ("raw COPY", spread("raw_copy_rows_s", found.rates["raw_copy"], "rows/s")),
            "raw_copy_5000": ("COPY, 5,000 a transaction", spread("c5", found.rates["raw_copy_5000"], "rows/s")),
            "raw_copy_500": ("COPY, 500 a transaction", spread("c500", found.rates["raw_copy_500"], "rows/s")),
        }

        if self.naive:
            naive = spread("aiomqtt_insert_messages_s", found.rates["naive"], "messages/s")
            baselines["naive"] = ("aiomqtt + INSERT", naive)

        def against(metric: str, kind: str, baseline: str) -> list[Result]:
            name, measured = baselines[baseline]
            return spread(metric, found.rates[kind], "events/s", baseline=Result("", measured[0].value, "", name))

        return BenchReport(
            "ingest",
            [
                *against("durable_events_s_single", "single", "stock"),
                *([against("durable_events_s_single_naive", "single", "naive")[0]] if self.naive else []),
                *against("durable_events_s_batch500", "batch", "raw_copy"),
                against("durable_events_s_batch500_copy5000", "batch", "raw_copy_5000")[0],
                against("durable_events_s_batch500_copy500", "batch", "raw_copy_500")[0],
                *(
                    result
                    for name in ("stock", "naive", "raw_copy")
                    if name in baselines
                    for result in baselines[name][1]
                ),
                *(Result(name, median(used), "cores") for name, used in sorted(found.cores.items())),
                *(Result(name, median(used), "us/event") for name, used in sorted(found.cpu_us.items())),
            ],
            notes=[f"median of {runs} runs, alternating with the baselines; {SINGLES:,} and {SPACES:,} events a run"],
        )
