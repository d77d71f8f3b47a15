"""Time is handed in: a manual clock wakes its sleepers in order, and never by itself."""

import asyncio
from datetime import UTC, datetime

import pytest

from kernel.clock import ManualClock, SystemClock, sleep_or_woken

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def test_sleepers_wake_when_their_time_has_come_and_not_before() -> None:
    clock = ManualClock(NOON)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper("late", 20))
        tasks.create_task(sleeper("early", 10))
        await SystemClock().sleep(0)
        clock.advance(9)
        await SystemClock().sleep(0)
        assert woken == []
        clock.advance(11)
    assert woken == ["early", "late"]
    assert clock.now() == datetime(2026, 11, 23, 12, 0, 20, tzinfo=UTC)
    assert clock.monotonic() == 20


def test_time_does_not_go_back_and_has_an_offset() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        ManualClock(NOON).advance(-1)
    with pytest.raises(ValueError, match="offset"):
        ManualClock(datetime(2026, 11, 23))


def test_the_system_clock_speaks_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


async def test_who_may_be_woken_sleeps_until_then_or_to_the_end() -> None:
    clock = ManualClock(NOON)
    woken = asyncio.Event()
    until_woken = asyncio.create_task(sleep_or_woken(clock, 3600, woken))
    await SystemClock().sleep(0)
    woken.set()
    await until_woken
    assert woken.is_set(), "whoever slept clears it, once it knows what woke it"
    await sleep_or_woken(clock, 3600, woken)
    woken.clear()
    to_the_end = asyncio.create_task(sleep_or_woken(clock, 5, woken))
    while not to_the_end.done():
        clock.advance(5)
        await SystemClock().sleep(0)
    assert not woken.is_set()
