"""Reports over HTTP while the processes behind them are killed: what was answered is recorded, once.

The reporter does what docs/push.md says: an answer that got lost is asked for again with the very same request. A
camera that was answered never posts again; only where the line itself is cut it tries the same event again.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from kernel.clock import SystemClock
from tests.conftest import Eventually
from tests.e2e.outside import City
from tests.e2e.test_push import CAMERA, PARK, issue
from tests.faults.conftest import Scale
from tests.integration.gateway.site import signed

REPORTS = 25
"""Of each kind between two kills."""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    started = City(tmp_path / "var")
    started.send("PUT", "/v1/operator/car-parks/heping-1", PARK)
    place = {"profile": "hikvision-isapi", "car_park": "heping-1", "settings": {"lane": "E1", "direction": "entry"}}
    started.send("PUT", "/v1/operator/devices/cam-1", place)
    yield started
    started.stop()


class Reporter:
    """Sends until it is answered; `answered` counts what was."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.answered = 0
        self.repeated = 0
        self._clock = SystemClock()

    async def until_answered(self, address: str, raw: bytes, headers: dict[str, str]) -> None:
        while True:
            try:
                async with self._session.post(address, data=raw, headers=headers) as answer:
                    await answer.read()
                    if answer.status in (200, 409):
                        self.repeated += answer.status == 409
                        self.answered += 1
                        return
                    assert answer.status == 503, answer.status
            except (aiohttp.ClientError, ConnectionError):
                await self._clock.sleep(0.05)


async def rows(city: City, query: str) -> Any:
    connection = await asyncpg.connect(city.ready.database)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["gateway", "api"])
async def test_killed_while_reports_come_in_nothing_is_lost_or_doubled(
    city: City, eventually: Eventually, scale: Scale, dice: random.Random, victim: str
) -> None:
    key, camera = issue(city), issue(city, device="cam-1")
    template = (CAMERA / "hikvision_entry.xml").read_text()
    begun = SystemClock().now() - timedelta(minutes=10)
    sent = 0

    async with aiohttp.ClientSession(city.ready.http) as session:
        pushes, posts = Reporter(session), Reporter(session)

        async def push(number: int) -> None:
            at = (begun + timedelta(milliseconds=number)).isoformat()
            raw = json.dumps(
                {"space": f"B1-{number % 10 + 1:03}", "state": "occupied", "at": at, "seq": number}
            ).encode()
            address = "/v1/ingest/spaces?car_park=heping-1"
            await pushes.until_answered(address, raw, signed(key, address, raw, nonce=f"report-{number:06}"))

        async def post(number: int) -> None:
            at = (begun + timedelta(milliseconds=number)).isoformat()
            event = template.replace("辽A12345", f"辽A{number:05}").replace("2026-11-23T15:59:50+08:00", at)
            address = f"/v1/ingest/hikvision/cam-1/{camera}"
            await posts.until_answered(address, event.encode(), {"Content-Type": "application/xml"})

        for _ in range(scale.kills):
            numbers = range(sent, sent + REPORTS)
            sent += REPORTS
            work = [asyncio.create_task(one(number)) for number in numbers for one in (push, post)]
            wanted = pushes.answered + posts.answered + dice.randrange(1, REPORTS)
            await eventually(lambda: pushes.answered + posts.answered >= wanted)  # noqa: B023 - awaited at once
            city.child("serve", victim).kill()
            await asyncio.gather(*work)

    assert (pushes.answered, posts.answered) == (sent, sent)

    async def spool_is_empty() -> bool:
        return bool(await rows(city, "SELECT count(*) FROM gateway.spool") == 0)

    await eventually(spool_is_empty, within_s=60)
    assert await rows(city, "SELECT count(*) FROM occupancy.passage") == sent
    assert await rows(city, "SELECT count(*) FROM occupancy.space_event") == sent
    tally = json.loads(await rows(city, "SELECT to_jsonb(tally) FROM gateway.tally"))
    assert tally["received"] == tally["stored"] + tally["duplicate"] + tally["late"] + tally["dead"]
    assert tally["stored"] + tally["late"] == 2 * sent
    assert tally["dead"] == 0
    assert await rows(city, "SELECT count(*) FROM gateway.nonce") == sent
