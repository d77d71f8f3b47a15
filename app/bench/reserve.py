"""How many reservations a second 64 clients hold and confirm over HTTP, beside pgbench that runs the same statements.

A reservation is two requests, each with a key of its own: a hold (two of three of a pool, one of a numbered space,
which takes one of the pool as well) and its confirmation. API, PostgreSQL and clients are processes of their own and
share the machine. pgbench has as many connections as the API, speaks by prepared statements, and sends for each request
what the API sends: the look-up of the key, the effect, the answer that is kept, between BEGIN and COMMIT. Runs
alternate.
64 clients that never rest stand in a line, so that a request takes 64 times as long as one of them works, whatever is
done: at 500 reservations a second 64 ms. What a driver waits is therefore measured at half of the rate as well.
Whatever was answered is looked for in the database at the end, and the counters of the pools are recounted.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.bench import sql
from app.bench.pgbench import pgbench
from app.bench.processes_cpu import CpuMeter
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles, spread
from app.bench.reserve_client import DAYS, Came, Task
from app.bench.reserve_script import write_script
from app.bench.rig import pid_of
from app.bench.role_process import RoleProcess
from app.data_dir import DataDir
from app.embedded import EmbeddedPostgres
from app.processes import free_port
from kernel.clock import Clock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of
from kernel.tokens import load_or_create_signing_key, mint_driver_token
from reservation.sql import recount

CLIENTS = 64
CAR_PARKS = 40
SPACES_EACH = 250
RESERVABLE = 200
NUMBERED = 1 / 3
SECONDS = 10.0
WARM_UP_S = 3.0
PACED_S = 5.0
CONNECTIONS = 8
"""Of an API process by its settings; pgbench gets as many."""


@dataclass
class _Figures:
    """What the runs gave, one entry a run; times of all runs."""

    rates: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    hold_ms: list[float] = field(default_factory=list)
    confirm_ms: list[float] = field(default_factory=list)
    paced_hold_ms: list[float] = field(default_factory=list)
    paced_confirm_ms: list[float] = field(default_factory=list)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0


async def measure_reserve(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `confirmed_s` beside pgbench, `confirm_ms_p99`, `hold_ms_p99`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with _standing(clock, Path(name)) as bench:
            return await bench.measure(runs, progress)


@contextlib.asynccontextmanager
async def _standing(clock: Clock, folder: Path) -> AsyncIterator["_Bench"]:
    with EmbeddedPostgres(folder) as postgres:
        await migrate(postgres.url(), migrations_of())
        database = Database(postgres.url(), clock, connections_max=2, name="berth bench")
        await database.open()
        port = free_port()
        api = RoleProcess(
            "api",
            folder,
            database_url=postgres.url(),
            mqtt_url="",
            settings={"BERTH_HTTP_PORT": str(port), "BERTH_DATABASE_CONNECTIONS_MAX": str(CONNECTIONS)},
        )
        try:
            async with database.transaction() as tx:
                await sql.lay_out_reservable(tx, CAR_PARKS, SPACES_EACH, RESERVABLE, DAYS + 2)
            key = load_or_create_signing_key(DataDir(folder).signing_key)
            tokens = [mint_driver_token(key, f"driver-{number}", clock.now()) for number in range(CLIENTS)]
            api.start()
            await api.until_ready(clock, port)
            yield _Bench(clock, folder, postgres, database, api, port, tokens)
        finally:
            await asyncio.to_thread(api.stop)
            await database.close()


@dataclass
class _Bench:
    """Runs by turns, and what they gave."""

    clock: Clock
    folder: Path
    postgres: EmbeddedPostgres
    database: Database
    api: RoleProcess
    port: int
    tokens: list[str]
    figures: _Figures = field(default_factory=_Figures)

    async def measure(self, runs: int, progress: Callable[[str], None]) -> BenchReport:
        script = write_script(self.folder, CAR_PARKS, SPACES_EACH, RESERVABLE, NUMBERED)
        progress(f"warming up for {WARM_UP_S:.0f} s each")
        self.figures.confirmed += (await self._clients(0, WARM_UP_S)).confirmed
        await pgbench(self.postgres, script, clients=CONNECTIONS, seconds=WARM_UP_S)
        for number in range(1, runs + 1):
            progress(f"run {number} of {runs}: {CLIENTS} clients over HTTP for {SECONDS:.0f} s")
            await self._serve(number)
            await self._pace(number)
            progress(f"run {number} of {runs}: pgbench with the same statements for {SECONDS:.0f} s")
            self.figures.raw.append(await pgbench(self.postgres, script, clients=CONNECTIONS, seconds=SECONDS))
        await self._judge()
        return self._report(runs)

    async def _serve(self, number: int) -> None:
        meter = CpuMeter({"api": self.api.pid, "postgres": pid_of(self.postgres)})
        before = meter.read()
        came = await self._clients(number, SECONDS)
        found = self.figures
        found.rates.append(came.confirmed / came.seconds)
        found.hold_ms += came.hold_ms
        found.confirm_ms += came.confirm_ms
        found.refused += Counter(came.refused)
        found.confirmed += came.confirmed
        burnt = {name: cpu_s - before[name] for name, cpu_s in meter.read().items()}
        for name, cpu_s in {**burnt, "clients": came.cpu_s}.items():
            found.cpu_us.setdefault(name, []).append(1e6 * cpu_s / max(came.confirmed, 1))

    async def _pace(self, number: int) -> None:
        """At half of what was just reached: what a driver waits when nobody stands in a line before him."""
        came = await self._clients(1_000 + number, PACED_S, pace_s=self.figures.rates[-1] / 2)
        self.figures.paced_hold_ms += came.hold_ms
        self.figures.paced_confirm_ms += came.confirm_ms
        self.figures.confirmed += came.confirmed

    async def _clients(self, seed: int, seconds: float, *, pace_s: float = 0.0) -> Came:
        task = Task(
            ports=[self.port],
            seconds=seconds,
            seed=seed,
            tokens=self.tokens,
            car_parks=sql.reservable_ids(CAR_PARKS),
            spaces_each=SPACES_EACH,
            numbered=NUMBERED,
            pace_s=pace_s,
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.bench.reserve_client",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(msgspec.json.encode(task))
        if process.returncode != 0:
            raise BenchImpossible(f"the clients failed: {err.decode(errors='replace')[-1000:]} {self.api.last_words()}")
        return msgspec.json.decode(out, type=Came)

    async def _judge(self) -> None:
        """What was answered is there, and the counters say what the rows say. Raises BenchImpossible."""
        async with self.database.transaction(readonly=True) as tx:
            kept = await sql.confirmed_over_http(tx)
            wrong = await recount.differences(tx)
        if kept != self.figures.confirmed:
            raise BenchImpossible(f"{self.figures.confirmed} reservations were confirmed, {kept} are in the database")
        if wrong:
            raise BenchImpossible(f"the counters of {len(wrong)} days are not what the reservations say")

    def _report(self, runs: int) -> BenchReport:
        found = self.figures
        raw = spread("pgbench_confirmed_s", found.raw, "reservations/s")
        baseline = Result("", raw[0].value, "", "pgbench, same statements")
        refused = ", ".join(f"{count} {why}" for why, count in sorted(found.refused.items())) or "none"
        return BenchReport(
            "reserve",
            [
                *spread("confirmed_s", found.rates, "reservations/s", baseline=baseline),
                *percentiles("confirm_ms", found.confirm_ms),
                *percentiles("hold_ms", found.hold_ms),
                *percentiles("confirm_ms_half_load", found.paced_confirm_ms),
                *percentiles("hold_ms_half_load", found.paced_hold_ms),
                *raw,
                *(
                    Result(f"cpu_us_{name}", sorted(used)[len(used) // 2], "us/reservation")
                    for name, used in sorted(found.cpu_us.items())
                ),
            ],
            notes=[
                f"median of {runs} runs of {SECONDS:.0f} s, alternating with the baseline; {CLIENTS} clients,"
                f" {CAR_PARKS} car parks, {CAR_PARKS * SPACES_EACH:,} numbered spaces; refused: {refused}"
            ],
        )
