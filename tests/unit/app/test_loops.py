"""Loops: repeated, never ended by a failing step, slower while they fail."""

import asyncio
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from app.loops import BACK_OFF_S_MAX, LoopMetrics, running_loops
from kernel.clock import ManualClock
from kernel.service import Loop


class Step:
    """A step that fails while `broken`, and signals each turn."""

    def __init__(self) -> None:
        self.turns = 0
        self.broken = False

    async def __call__(self) -> None:
        self.turns += 1
        if self.broken:
            raise ConnectionError("the database is away")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


async def _advance(clock: ManualClock, seconds: float) -> None:
    clock.advance(seconds)
    for _ in range(5):  # let whoever woke reach its next sleep
        await clock.sleep(0)


async def test_a_step_runs_at_once_and_then_every_interval(clock: ManualClock) -> None:
    step = Step()
    async with running_loops([Loop("sweep", step, 10)], clock, LoopMetrics(CollectorRegistry())):
        await _advance(clock, 0)
        assert step.turns == 1
        await _advance(clock, 9)
        assert step.turns == 1
        await _advance(clock, 1)
        assert step.turns == 2


async def test_a_failing_step_is_counted_and_tried_again_later_and_later(clock: ManualClock) -> None:
    step, registry = Step(), CollectorRegistry()
    step.broken = True
    async with running_loops([Loop("sweep", step, 1)], clock, LoopMetrics(registry)):
        await _advance(clock, 0)
        await _advance(clock, 1)
        assert step.turns == 1
        await _advance(clock, 1)
        assert step.turns == 2
        for _ in range(10):
            await _advance(clock, BACK_OFF_S_MAX)
        assert step.turns == 12
        assert registry.get_sample_value("berth_loop_failures_total", {"loop": "sweep"}) == 12
        step.broken = False
        await _advance(clock, BACK_OFF_S_MAX)
        await _advance(clock, 1)
        assert step.turns == 14


async def test_loops_end_with_the_block(clock: ManualClock) -> None:
    async with running_loops([Loop("sweep", Step(), 1)], clock, LoopMetrics(CollectorRegistry())):
        await clock.sleep(0)
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "sweep"] == []
