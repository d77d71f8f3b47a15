"""The loop that sends orders, while what it needs is away."""

import asyncio
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from gateway.dispatch_orders import SWEEP_S, Dispatcher
from gateway.order_metrics import OrderMetrics
from kernel.clock import ManualClock
from kernel.db import Database
from tests.conftest import Eventually


class Broken:
    """A line that cannot even say whether it is ready."""

    asked = 0

    @property
    def ready(self) -> bool:
        self.asked += 1
        raise ConnectionError("gone")

    def publish_until(self, *_: object) -> None:
        raise AssertionError("nothing is sent")


async def test_after_a_failure_it_looks_again_after_one_sweep_and_not_two(eventually: Eventually) -> None:
    clock = ManualClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    line = Broken()
    nowhere = Database("postgresql://127.0.0.1:1/none", clock)
    dispatcher = Dispatcher(
        nowhere, clock, line, mine=lambda _: True, on_order=(), metrics=OrderMetrics(CollectorRegistry())
    )
    running = asyncio.create_task(dispatcher.run())
    await eventually(lambda: line.asked == 1)
    clock.advance(SWEEP_S)
    await eventually(lambda: line.asked == 2)
    running.cancel()
    await asyncio.wait([running])
