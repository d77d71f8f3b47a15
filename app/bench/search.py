"""How long `GET /v1/offers` takes over a city with 200,000 promises, beside the search that everybody writes first.

API and PostgreSQL are processes of their own, the askers are the bench: some drivers, each of whom asks again when it
has its answer and its turn has come. They ask as drivers do (near a place, nearest or cheapest first, 50 a page), and
as often for the whole city. The naive search counts, in one SQL statement, the promises of each car park that overlap
the window; it knows neither shared spaces nor price, distance and terms, and it is wrong where two promises follow each
other. It is asked over a connection of its own, with no HTTP in between, in turns with ours.
"""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import orjson

from app.bench import promised_city as city
from app.bench.processes_cpu import CpuMeter
from app.bench.report import BenchImpossible, BenchReport, Result, percentiles
from app.bench.rig import pid_of
from app.bench.role_process import RoleProcess
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK, free_port
from kernel.clock import Clock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of

DRIVERS = 4
REQUESTS_S = 40
"""Of all of them together at most; below what one address may ask."""
SECONDS = 20
WARM_UP_S = 3
NAIVE_ASKED = 150
_SEED = 4

NAIVE = """
SELECT card.id, card.reservable - count(kept.id) AS left
FROM registry.car_park_card AS card LEFT JOIN reservation.reservation AS kept
    ON kept.car_park = card.id AND kept.state IN ('held', 'confirmed', 'checked_in') AND kept.listing IS NULL
    AND kept.occupies && tstzrange($1, $2)
WHERE card.reservable > 0 AND NOT card.closed GROUP BY card.id, card.reservable
HAVING card.reservable > count(kept.id)
"""


async def measure_search(clock: Clock, *, runs: int, progress: Callable[[str], None]) -> BenchReport:
    """Metrics `offers_ms_p99` beside the naive search, `offers_city_ms_p99`. Raises BenchImpossible."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as name:
        async with _standing(clock, Path(name), progress) as bench:
            return await bench.measure(runs, progress)


@contextlib.asynccontextmanager
async def _standing(clock: Clock, folder: Path, progress: Callable[[str], None]) -> AsyncIterator["_Search"]:
    with EmbeddedPostgres(folder) as postgres:
        await migrate(postgres.url(), migrations_of())
        database = Database(postgres.url(), clock, connections_max=2, name="berth bench")
        await database.open()
        port = free_port()
        settings = {"BERTH_HTTP_PORT": str(port)}
        api = RoleProcess("api", folder, database_url=postgres.url(), mqtt_url="", settings=settings)
        try:
            await city.lay_out(database, progress)
            api.start()
            async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as session:
                bench = _Search(clock, database, session, api, CpuMeter({"api": api.pid, "postgres": pid_of(postgres)}))
                await api.until_ready(clock, port)
                yield bench
        finally:
            await asyncio.to_thread(api.stop)
            await database.close()


@dataclass
class _Search:
    """Asks ours and the naive one in turns."""

    clock: Clock
    database: Database
    session: aiohttp.ClientSession
    api: RoleProcess
    meter: CpuMeter
    chance: random.Random = field(default_factory=lambda: random.Random(_SEED))  # noqa: S311 - no secret

    async def measure(self, runs: int, progress: Callable[[str], None]) -> BenchReport:
        near_ms: list[float] = []
        city_ms: list[float] = []
        naive_ms: list[float] = []
        cpu_s: dict[str, float] = {}
        progress(f"warming up for {WARM_UP_S} s each")
        for ask in (self._ask_near, self._ask_city):
            await self._at_a_rate(ask, WARM_UP_S)
        for number in range(1, runs + 1):
            progress(f"run {number} of {runs}: {REQUESTS_S} requests/s, {SECONDS} s near, {SECONDS} s everywhere")
            before = self.meter.read()
            near_ms += await self._at_a_rate(self._ask_near, SECONDS)
            city_ms += await self._at_a_rate(self._ask_city, SECONDS)
            for part, now_s in self.meter.read().items():
                cpu_s[part] = cpu_s.get(part, 0.0) + now_s - before[part]
            progress(f"run {number} of {runs}: the naive search, {NAIVE_ASKED} times")
            naive_ms += [await self._ask_naive() for _ in range(NAIVE_ASKED)]
        naive = percentiles("naive_sql_ms", naive_ms)
        asked = len(near_ms) + len(city_ms)
        return BenchReport(
            "search",
            [
                *percentiles("offers_ms", near_ms, baseline=naive[0]),
                *percentiles("offers_city_ms", city_ms, baseline=naive[0]),
                *naive,
                *(Result(f"cpu_ms_{part}", 1_000 * used / asked, "ms a request") for part, used in cpu_s.items()),
            ],
            notes=[
                f"{city.CAR_PARKS} car parks, {city.SHARED:,} shared spaces with {city.LAID_DAYS} slots each,"
                f" {city.PROMISES:,} promises in {city.DAYS} days; at most {REQUESTS_S} requests/s over HTTP, 50"
                " offers a page; naive: counts what overlaps the window at each car park, by SQL without HTTP"
            ],
        )

    async def _at_a_rate(self, ask: Callable[[], "Asking"], seconds: int) -> list[float]:
        """How long each request took; a driver who waits for an answer asks nothing meanwhile."""
        ends = self.clock.monotonic() + seconds
        asked = await asyncio.gather(*(self._drive(ask, ends, number) for number in range(DRIVERS)))
        return [took for driver in asked for took in driver]

    async def _drive(self, ask: Callable[[], "Asking"], ends: float, number: int) -> list[float]:
        took: list[float] = []
        await self.clock.sleep(number / REQUESTS_S)
        while (started := self.clock.monotonic()) < ends:
            took.append(await self._asked(ask()))
            await self.clock.sleep(max(0.0, started + DRIVERS / REQUESTS_S - self.clock.monotonic()))
        return took

    async def _asked(self, params: "Asking") -> float:
        started = self.clock.monotonic()
        async with self.session.get("/v1/offers", params=params) as response:
            body = await response.read()
            took_ms = 1_000 * (self.clock.monotonic() - started)
            if response.status != 200:
                raise BenchImpossible(f"GET /v1/offers: {response.status} {body[:500]!r}")
        if not orjson.loads(body)["items"]:
            raise BenchImpossible(f"nothing is offered for {dict(params)}: the city is not as it should be")
        return took_ms

    def _ask_near(self) -> "Asking":
        sort = "price" if self.chance.random() < 0.25 else "distance"
        return [*self._place_and_window(), ("sort", sort)]

    def _ask_city(self) -> "Asking":
        return [*self._place_and_window(), ("radius_m", "100000")]

    def _place_and_window(self) -> "Asking":
        lat, lon = (self.chance.uniform(*edges) for edges in (city.LAT, city.LON))
        begins, until = self._window()
        return [("near", f"{lat:.6f},{lon:.6f}"), ("from", begins.isoformat()), ("until", until.isoformat())]

    def _window(self) -> tuple[datetime, datetime]:
        """Of an hour to four, on one of the days that have promises."""
        begins = city.first_day(self.clock.now()) + timedelta(minutes=self.chance.randrange(city.DAYS * 1440 - 240))
        return begins, begins + timedelta(minutes=self.chance.randrange(60, 241))

    async def _ask_naive(self) -> float:
        async with self.database.transaction(readonly=True) as tx:
            started = self.clock.monotonic()
            await tx.fetch(NAIVE, *self._window())
            return 1_000 * (self.clock.monotonic() - started)


Asking = Sequence[tuple[str, str]]
"""The query of one request."""
