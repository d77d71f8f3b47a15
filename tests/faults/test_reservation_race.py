"""64 clients fight for hot pools and numbered spaces over HTTP, while API processes and PostgreSQL are killed."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from app.bench.role_process import RoleProcess
from app.data_dir import DataDir
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK, free_port
from kernel.clock import SystemClock
from kernel.migrate import migrate, migrations_of
from kernel.tokens import load_or_create_signing_key, mint_driver_token
from tests.faults.conftest import Record, Scale
from tests.faults.killing import kill_whole_server
from tests.faults.patience import until
from tests.faults.promise_judge import judge_promises, promised_twice
from tests.faults.promise_racers import REQUEST_S, Ledger, Racer, Town, race

pytestmark = pytest.mark.timeout(3_600)

CLIENTS = 64
HOT = [f"hot-{number}" for number in range(10)]
QUIET = [f"quiet-{number:02}" for number in range(50)]
SPACES_EACH = 200
RESERVABLE_HOT, RESERVABLE_QUIET = 5, 120
ATTEMPTS, ATTEMPTS_LONG = 600, 100_000
"""Long: 100,000 attempts on 10 hot pools and 10,000 numbered spaces; quick: on few, so that they are fought for too."""
LAY_OUT = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('city', 'city', 'city', now());
"""
CAR_PARKS = """
INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone, capacity, reservable,
    created_at, updated_at)
SELECT id, 'city', id, id, 'mall', 41.8, 123.4, 'Asia/Shanghai', 300, $2, now(), now() FROM unnest($1::text[]) AS id
"""
SPACES = """
INSERT INTO registry.space (car_park, label)
SELECT car_park, 'B1-' || lpad(number::text, 3, '0')
FROM unnest($1::text[]) AS car_park, generate_series(0, $2 - 1) AS number
"""


@pytest.fixture
async def apis(own_postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[list[tuple[RoleProcess, int]]]:
    """Two API processes on one database, not yet started, with their ports."""
    await migrate(own_postgres.url(), migrations_of())
    connection = await asyncpg.connect(own_postgres.url())
    await connection.execute(LAY_OUT)
    await connection.execute(CAR_PARKS, HOT, RESERVABLE_HOT)
    await connection.execute(CAR_PARKS, QUIET, RESERVABLE_QUIET)
    await connection.execute(SPACES, QUIET, SPACES_EACH)
    await connection.close()
    load_or_create_signing_key(DataDir(tmp_path).signing_key)
    made = []
    for _ in range(2):
        port = free_port()
        settings = {"BERTH_HTTP_PORT": str(port)}
        made.append(
            (RoleProcess("api", tmp_path, database_url=own_postgres.url(), mqtt_url="", settings=settings), port)
        )
    yield made
    for api, _ in made:
        api.kill()


async def test_nothing_is_promised_twice(
    apis: list[tuple[RoleProcess, int]],
    own_postgres: EmbeddedPostgres,
    tmp_path: Path,
    real_clock: SystemClock,
    scale: Scale,
    dice: random.Random,
    record: Record,
) -> None:
    """What was answered is in the database as it was answered, whoever dies between its commit and its answer."""
    key = load_or_create_signing_key(DataDir(tmp_path).signing_key)
    long = scale.kills > 1
    quiet, spaces_each = (QUIET, SPACES_EACH) if long else (QUIET[:4], 10)
    attempts = ATTEMPTS_LONG if long else ATTEMPTS
    town = Town(HOT, quiet, spaces_each, real_clock.now().replace(second=0, microsecond=0) + timedelta(days=1))
    ledger = Ledger()
    for api, _ in apis:
        api.start()
    limit = aiohttp.ClientTimeout(total=REQUEST_S)
    async with aiohttp.ClientSession(timeout=limit, connector=aiohttp.TCPConnector(limit=2 * CLIENTS)) as session:
        await _ready(session, apis, real_clock)
        racers = [
            Racer(
                session,
                [port for _, port in apis],
                real_clock,
                random.Random(dice.random()),
                ledger,
                driver := f"driver-{number}",
                mint_driver_token(key, driver, real_clock.now()),
            )
            for number in range(CLIENTS)
        ]
        racing = asyncio.create_task(race(racers, town, attempts))
        killing = asyncio.create_task(
            _kill(racing, apis, own_postgres, ledger, attempts, scale.kills, dice, real_clock)
        )
        await racing
        kills = await killing
    verdict = await judge_promises(own_postgres.url(), ledger)
    refused = ", ".join(f"{count:,} {why}" for why, count in ledger.refused.most_common())
    record(
        verdict,
        kills,
        f"{len(ledger.promises):,} promised, refused {refused}; {ledger.cut_off:,} answers cut off,"
        f" {ledger.repeated:,} asked once more",
    )
    assert verdict.clean, f"{verdict}"
    assert ledger.cut_off > 0, "nobody was cut off: the kills proved nothing"
    assert ledger.refused["409 no-space-left"] > 0, "nothing was fought for"


async def _kill(
    racing: "asyncio.Task[None]",
    apis: list[tuple[RoleProcess, int]],
    postgres: EmbeddedPostgres,
    ledger: Ledger,
    attempts: int,
    kills: int,
    dice: random.Random,
    clock: SystemClock,
) -> int:
    """Each victim `kills` times, spread over the race, and a look at the database after each; how many."""
    victims: list[RoleProcess | None] = [*(api for api, _ in apis), None] * kills
    dice.shuffle(victims)
    for number, victim in enumerate(victims, start=1):
        while ledger.attempts < attempts * number / (len(victims) + 1) and not racing.done():
            await clock.sleep(dice.uniform(0, 0.05))
        if victim is not None:
            victim.kill()
            victim.start()
        else:
            await asyncio.to_thread(kill_whole_server, postgres)
            await asyncio.to_thread(postgres.start)
        assert await promised_twice(postgres.url()) == []
    return len(victims)


async def _ready(session: aiohttp.ClientSession, apis: list[tuple[RoleProcess, int]], clock: SystemClock) -> None:
    for api, port in apis:

        async def answers(address: str = f"http://{LOOPBACK}:{port}/readyz") -> bool:
            try:
                async with session.get(address) as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await until(answers, clock, lambda api=api: f"an API is not ready: {api.last_words()}", within_s=60.0)  # type: ignore[misc]  # mypy does not infer the default
