"""The embedded broker's watch leaves a healthy broker alone, however often it asks."""

import asyncio

from app.broker_watch import watch_broker
from app.embedded import EmbeddedBroker
from kernel.clock import SystemClock
from tests.conftest import Eventually

ROUNDS = 150


class Hurried(SystemClock):
    """Sleeps a hundredth of what it is asked to."""

    slept = 0

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        await super().sleep(seconds / 100)


async def test_a_healthy_broker_is_left_alone(eventually: Eventually) -> None:
    with EmbeddedBroker() as broker:
        process, clock = broker.process, Hurried()
        watching = asyncio.create_task(watch_broker(broker, clock))
        await eventually(lambda: clock.slept > ROUNDS, within_s=60)
        watching.cancel()
        await asyncio.wait([watching])
        assert process is not None
        assert process.poll() is None
        assert broker.process is process
