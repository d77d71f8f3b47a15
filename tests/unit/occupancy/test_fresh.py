"""One look at a time, never an old one, and nobody hangs with the database."""

import asyncio
from datetime import UTC, datetime

import pytest

from kernel.clock import ManualClock
from kernel.db import DatabaseAway
from occupancy.fresh import FreshLook


class Looks:
    """A look that ends when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


async def test_many_share_the_look_after_the_running_one(looks: Looks, clock: ManualClock) -> None:
    fresh = FreshLook(looks, clock)
    first = asyncio.create_task(fresh())
    while looks.begun == 0:
        await clock.sleep(0)
    others = [asyncio.create_task(fresh()) for _ in range(20)]
    await clock.sleep(0)
    looks.may_end.set()
    assert await asyncio.gather(first, *others) == [True] * 21
    assert looks.begun == 2


async def test_a_database_that_is_away_is_no_error(looks: Looks, clock: ManualClock) -> None:
    looks.may_end.set()
    looks.error = DatabaseAway()
    assert await FreshLook(looks, clock)() is False


async def test_who_shared_a_look_that_failed_is_told_so(looks: Looks, clock: ManualClock) -> None:
    fresh = FreshLook(looks, clock)
    first = asyncio.create_task(fresh())
    while looks.begun == 0:
        await clock.sleep(0)
    others = [asyncio.create_task(fresh()) for _ in range(3)]
    await clock.sleep(0)
    looks.error = DatabaseAway()
    looks.may_end.set()
    assert await asyncio.gather(first, *others) == [False] * 4
    assert looks.begun == 2
    looks.error = None
    assert await fresh() is True


async def test_a_defect_is(looks: Looks, clock: ManualClock) -> None:
    looks.may_end.set()
    looks.error = KeyError("ours")
    with pytest.raises(KeyError):
        await FreshLook(looks, clock)()


async def test_nobody_waits_for_a_look_that_hangs(looks: Looks, clock: ManualClock) -> None:
    fresh = FreshLook(looks, clock)
    assert await fresh() is False
    clock.advance(1)
    assert await asyncio.wait_for(fresh(), 0.1) is False
    assert looks.begun == 1
    looks.may_end.set()
    for task in [*fresh._tasks]:
        await task
    assert await fresh() is True
