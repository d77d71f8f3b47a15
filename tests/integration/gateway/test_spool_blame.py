"""Of what lies in the spool, only the event that cannot be recorded is refused, and once, whoever else works on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from contracts.facts import PassageSeen
from gateway.metrics import GatewayMetrics
from gateway.record import Handlers
from gateway.spool import SpoolWork
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.gateway.conftest import Books
from tests.integration.gateway.test_spool import CAMERA, add_camera, event, letters, passages, waiting

BAD, GOOD = "辽A00001", "辽A00002"


class Slow(Database):
    """A process that waits for `let_in` before its transaction number `at`, counted from 1."""

    let_in: Callable[[], Awaitable[object]]
    at = 3
    begun = 0

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[Tx]:
        self.begun += 1
        if self.begun == self.at:
            await self.let_in()
        async with super().transaction(readonly=readonly) as tx:
            yield tx


class Process:
    """One that works on the spool; its handler refuses `BAD`, the second time when it `may_refuse`."""

    def __init__(self, db: Database) -> None:
        self._registry = CollectorRegistry()
        handlers = Handlers(Recorder(OccupancySettings()).record_facts, (self._hear,))
        self._work = SpoolWork(db, handlers, lambda _: None, GatewayMetrics(self._registry))
        self.tried = 0
        self.alone = asyncio.Event()
        self.may_refuse = asyncio.Event()

    async def step(self) -> None:
        await self._work.step()

    async def _hear(self, tx: Tx, passages: Sequence[PassageSeen]) -> None:
        if any(passage.plate == BAD for passage in passages):
            self.tried += 1
            if self.tried == 2:
                self.alone.set()
                await self.may_refuse.wait()
            raise RuntimeError("not this one")

    def counted(self) -> tuple[float | None, float | None]:
        """(refused because a handler failed, dead)."""
        return (
            self._registry.get_sample_value("berth_gateway_refused_total", {"reason": "handler_failed"}),
            self._registry.get_sample_value("berth_gateway_events_total", {"outcome": "dead"}),
        )


@pytest.fixture
async def spooled(db: Database) -> None:
    """The bad event, then a good one."""
    await add_camera(db)
    async with db.transaction() as tx:
        for number, plate in enumerate((BAD, GOOD)):
            said = event(plate)
            await tx.execute(
                """INSERT INTO gateway.spool (id, device, event, event_bytes, received_at)
                   VALUES ($1, $2, $3, $4, now())""",
                f"spl_{number}",
                CAMERA,
                said,
                len(said),
            )


@pytest.mark.usefixtures("spooled")
async def test_a_row_that_another_process_holds_by_now_blames_no_innocent_one(
    db: Database, books: Books, eventually: Eventually
) -> None:
    """Between the failure of the first process and its verdict, the second takes the same row alone."""
    slow = Slow(db.url, SystemClock())
    await slow.open()
    first, second = Process(slow), Process(db)
    first.may_refuse.set()
    beside: list[asyncio.Task[None]] = []

    async def let_the_second_in() -> None:
        beside.append(asyncio.create_task(second.step()))
        await second.alone.wait()

    slow.let_in = let_the_second_in
    beginning = asyncio.create_task(first.step())
    await eventually(lambda: slow.begun == slow.at + 1)  # past its verdict, at the good row of the same car park
    second.may_refuse.set()
    await asyncio.gather(beginning, *beside)
    await slow.close()

    assert [passage["plate"] for passage in await passages(db)] == [GOOD]
    assert [letter["reason"] for letter in await letters(db)] == ["handler_failed"]
    assert await waiting(db) == 0
    assert await books() == {"received": 2, "stored": 1, "duplicate": 0, "late": 0, "dead": 1}
    assert (first.counted(), second.counted()) == ((None, None), (1, 1))


@pytest.mark.usefixtures("spooled")
async def test_a_row_that_another_process_has_dealt_with_is_not_refused_twice(db: Database, books: Books) -> None:
    slow = Slow(db.url, SystemClock())
    await slow.open()
    first, second = Process(slow), Process(db)
    first.may_refuse.set()
    second.may_refuse.set()
    slow.let_in = second.step
    await first.step()
    await slow.close()

    assert [passage["plate"] for passage in await passages(db)] == [GOOD]
    assert await waiting(db) == 0
    assert await books() == {"received": 2, "stored": 1, "duplicate": 0, "late": 0, "dead": 1}
    assert (first.counted(), second.counted()) == ((None, None), (1, 1))
