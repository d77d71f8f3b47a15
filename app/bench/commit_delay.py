"""From a device's publish to the commit, at a steady rate: seen by SQL, which is asked again and again for a sample."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from app.bench import sql
from app.bench.load import FLOODED, OPERATOR, car_park_id
from app.bench.publisher import Publisher
from app.bench.report import BenchImpossible
from app.bench.rig import Rig
from app.processes import LOOPBACK
from contracts.wire import up_topic

EVENTS_S = 600
WARM_UP_S = 3
_WATCHED_S = 60
"""Of the events of a second so many are looked for."""
_POLL_S = 0.002
_LATE_S_MAX = 30.0
FLOOD = up_topic(OPERATOR, car_park_id(FLOODED), "spaces")


async def commit_delays_ms(rig: Rig, seconds: int, *, flood_s: int = 0) -> list[float]:
    """Delays of a sample of EVENTS_S events a second over the whole city, after WARM_UP_S.

    Meanwhile one car park, which is not in the sample, sends `flood_s` events a second as well, one a message.
    """
    watched: dict[datetime, float] = {}
    delays: list[float] = []
    over = asyncio.Event()

    async def look() -> None:
        while watched or not over.is_set():
            async with rig.database.transaction(readonly=True) as tx:
                seen = await sql.committed_of(tx, list(watched))
            now = rig.clock.monotonic()
            delays.extend(1_000 * (now - watched.pop(at)) for at in seen)
            if watched and now - min(watched.values()) > _LATE_S_MAX:
                raise BenchImpossible(f"{len(watched)} events were not committed: {rig.gateway.last_words()}")
            await rig.clock.sleep(_POLL_S)

    async def speak() -> None:
        due = in_step(rig, EVENTS_S, seconds + WARM_UP_S)
        async with Publisher(LOOPBACK, rig.broker.port, "bench-publisher", rig.clock) as publisher:
            async for number in due:
                for topic, payload in rig.load.singles(1):
                    if number >= EVENTS_S * WARM_UP_S and number % (EVENTS_S // _WATCHED_S) == 0 and topic != FLOOD:
                        watched[rig.load.told_at(rig.load.made)] = rig.clock.monotonic()
                    await publisher.publish(topic, payload)
            await publisher.acknowledged()
        over.set()

    async def flood() -> None:
        async with Publisher(LOOPBACK, rig.broker.port, "bench-flood", rig.clock) as publisher:
            async for _ in in_step(rig, flood_s, seconds + WARM_UP_S, sleep_s_min=0.01):
                for topic, payload in rig.load.flood(1):
                    await publisher.publish(topic, payload)
            await publisher.acknowledged()

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        group.create_task(speak())
        if flood_s:
            group.create_task(flood())
    return delays


async def in_step(rig: Rig, rate_s: int, seconds: int, *, sleep_s_min: float = 0.0) -> AsyncIterator[int]:
    """The numbers of `rate_s` events a second, each when it is due."""
    started = rig.clock.monotonic()
    for number in range(rate_s * seconds):
        if (early := started + number / rate_s - rig.clock.monotonic()) > 0:
            await rig.clock.sleep(max(early, sleep_s_min))
        yield number
