"""Vehicles park and pay through two payment channels, while gateway, worker, API and PostgreSQL are killed."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from app.bench.publisher import Publisher
from app.bench.role_process import RoleProcess
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK, free_port
from contracts.wire import up_topic
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.migrate import migrate, migrations_of
from registry.issue_key import issue_key
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.parties import parties_in
from simulators.payment_channel.run import settings_for
from simulators.payment_channel.server import simulated_channels
from tests.faults.billed_town import BilledTown, drive_all
from tests.faults.billing_judge import UNDER_WAY, judge_billing
from tests.faults.conftest import Record, Scale
from tests.faults.devices import OPERATOR, register
from tests.faults.killing import kill_whole_server
from tests.faults.patience import until
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(900)

ROLES = ("gateway", "worker", "api")
VEHICLES_MAX = 4_000
EVERY_S = 0.1
BETWEEN_S = (0.3, 2.0)
"""Sometimes a process is killed before it has come up, mostly while it works."""
QUICK = Mischief(collects_after_s=0.3, refunds_after_s=0.3)
_TIME_GOES_BY = """
WITH payments AS (UPDATE billing.payment SET poll_at = now() WHERE poll_at > now()),
    refunds AS (UPDATE billing.refund SET poll_at = now() WHERE poll_at > now())
UPDATE jobs.pgqueuer SET execute_after = least(execute_after, now()), heartbeat = heartbeat - interval '1 minute'
"""
"""What a killed worker had in hand is left alone for a minute, and a channel that was away is asked later and later:
nobody waits here.
"""

_SUCCEEDED = "SELECT count(*) FROM billing.payment WHERE state = 'succeeded'"
_FALSE = (
    "account SET balance = balance + 1 WHERE id = (SELECT min(id) FROM billing.account WHERE balance = 0)",
    "charge SET paid = paid - 1 WHERE id = (SELECT min(id) FROM billing.charge WHERE state = 'paid')",
    "refund SET amount = amount + 1 WHERE id = (SELECT min(id) FROM billing.refund)",
    "payment SET amount = amount + 1 WHERE id = (SELECT min(id) FROM billing.payment WHERE state = 'succeeded')",
    "session SET amount = amount + 1 WHERE id = (SELECT max(id) FROM billing.session)",
    "session SET exit_passage = 'another' WHERE id = (SELECT min(id) FROM billing.session)",
)


@dataclass
class Victims:
    """All that can be killed; `town` is what they serve."""

    town: BilledTown
    roles: list[RoleProcess]
    postgres: EmbeddedPostgres
    broker_port: int

    def start(self) -> None:
        for role in self.roles:
            role.start()

    async def kill(self, victim: RoleProcess | None) -> None:
        """kill -9, and start again; None is the database."""
        if victim is not None:
            victim.kill()
            victim.start()
        else:
            await asyncio.to_thread(kill_whole_server, self.postgres)
            await asyncio.to_thread(self.postgres.start)

    def last_words(self) -> str:
        return "\n".join(role.last_words()[-800:] for role in self.roles)


@pytest.fixture
async def victims(
    own_postgres: EmbeddedPostgres,
    own_broker: Mosquitto,
    tmp_path: Path,
    real_clock: SystemClock,
    seed: int,
    dice: random.Random,
) -> AsyncIterator[Victims]:
    """Nothing runs yet but the channels."""
    url, port = own_postgres.url(), free_port()
    await migrate(url, migrations_of())
    await register(url)
    database = Database(url, real_clock, connections_max=1, name="test")
    await database.open()
    async with database.transaction() as tx:
        key = (await issue_key(tx, None, name="test", actor="test")).text
    await database.close()
    parties = parties_in(tmp_path / "parties", real_clock.now())
    patience = aiohttp.ClientTimeout(total=5)
    async with simulated_channels(parties, real_clock, QUICK) as channels, contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=patience))
        address = f"http://{LOOPBACK}:{port}"
        settings = {
            **settings_for(channels.url, parties, tmp_path / "parties", address),
            "BERTH_HTTP_PORT": str(port),
        }
        roles = []
        for role in ROLES:
            mqtt = f"mqtt://{LOOPBACK}:{own_broker.port}" if role == "gateway" else ""
            process = RoleProcess(role, tmp_path, database_url=url, mqtt_url=mqtt, settings=settings)
            stack.callback(process.kill)
            roles.append(process)
        town = BilledTown(real_clock, dice, url, address, session, channels, key)
        await town.open(VEHICLES_MAX)
        yield Victims(town, roles, own_postgres, own_broker.port)


@pytest.mark.runs(5)
async def test_nothing_is_billed_twice_or_never(
    victims: Victims, real_clock: SystemClock, scale: Scale, dice: random.Random, record: Record
) -> None:
    """Every stay has one session and one charge, the ledger is even, and the channels say what it says."""
    victims.start()
    town = victims.town
    await until(lambda: _listens(victims), real_clock, victims.last_words, within_s=60.0)
    kills = await _kill(victims, scale.kills, dice)
    await until(lambda: _comes_to_rest(victims), real_clock, victims.last_words, within_s=120.0)
    codes = [await asyncio.to_thread(role.stop) for role in victims.roles]
    verdict = await judge_billing(town.database_url, town.book, town.channels)
    book = town.book
    record(
        verdict,
        kills,
        f"{len(book.stays):,} stays, {len(book.refunds):,} refunds, {len(book.frozen)} days closed,"
        f" {book.cut_off} answers cut off",
    )
    assert verdict.clean, f"{verdict}\n{victims.last_words()}"
    assert not any(codes), f"ended with {codes}: {victims.last_words()}"
    assert book.refunds, "nothing was given back"
    await _the_judge_sees_what_is_false(town)


async def _kill(victims: Victims, kills: int, dice: random.Random) -> int:
    """Each victim `kills` times at moments of chance, while vehicles go on; how many in all."""
    town, over = victims.town, asyncio.Event()
    vehicles = takewhile(lambda number: number < VEHICLES_MAX and not over.is_set(), count())
    async with asyncio.TaskGroup() as group:
        group.create_task(drive_all(town, victims.broker_port, vehicles, every_s=EVERY_S))
        group.create_task(_pay_on(town, over))
        await until(lambda: _asked(town.database_url, _SUCCEEDED), town.clock, victims.last_words, within_s=60.0)
        order: list[RoleProcess | None] = [*victims.roles, None] * kills
        dice.shuffle(order)
        for victim in order:
            await town.clock.sleep(dice.uniform(*BETWEEN_S))
            await victims.kill(victim)
        await town.clock.sleep(BETWEEN_S[1])
        over.set()
    return len(order)


async def _pay_on(town: BilledTown, over: asyncio.Event) -> None:
    """Drivers and the operator, all the time."""
    while not over.is_set():
        await town.pay_some()
        await town.give_some_back()
        await town.end_days()
        await town.clock.sleep(0.2)


async def _listens(victims: Victims) -> bool:
    """Before it does a broker keeps a message for nobody: it is told one that it must refuse."""
    async with Publisher(LOOPBACK, victims.broker_port, "probe", victims.town.clock) as publisher:
        await publisher.publish(up_topic(OPERATOR, "fault-0", "passages"), b"are you there?")
        await publisher.acknowledged()
    return bool(await _asked(victims.town.database_url, "SELECT count(*) FROM gateway.dead_letter"))


async def _comes_to_rest(victims: Victims) -> bool:
    """A step of it; whether nobody has anything left to do."""
    town = victims.town
    await town.pay_some()
    await town.give_some_back()
    await _asked(town.database_url, _TIME_GOES_BY)
    await town.clock.sleep(0.5)
    return not await _asked(town.database_url, UNDER_WAY) and await _asked(
        town.database_url, "SELECT count(*) FROM billing.passage"
    ) >= 2 * len(town.book.stays)


async def _asked(database_url: str, statement: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval(statement) or 0)
    finally:
        await connection.close()


async def _the_judge_sees_what_is_false(town: BilledTown) -> None:
    """One thing after the other is made false in a database that nobody needs any more; each is found."""
    faults = 0
    for statement in _FALSE:
        await _asked(town.database_url, f"UPDATE billing.{statement} RETURNING 1")
        verdict = await judge_billing(town.database_url, town.book, town.channels)
        parts = (
            verdict.lost,
            verdict.invented,
            verdict.doubled,
            verdict.wrong,
            verdict.unexplained,
            verdict.unbalanced,
        )
        assert sum(map(len, parts)) > faults, f"not seen: {statement}"
        faults = sum(map(len, parts))
