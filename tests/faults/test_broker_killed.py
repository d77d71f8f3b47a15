"""kill -9 of a broker that keeps nothing: what only it had is lost, found out, asked for and made good within a minute.

The devices here answer an order to tell everything and do nothing of their own accord: they do not even notice.
"""

import asyncio
import contextlib
import getpass
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from app.processes import LOOPBACK
from contracts.wire import AckMessage, OrderMessage, SpaceEvent, SpacesMessage, SpaceStateWord, parse_topic, up_topic
from kernel.clock import SystemClock
from simulators.wire_client import WireClient
from tests.faults.conftest import MakeSite, Scale
from tests.faults.devices import CAR_PARKS, OPERATOR, SPACES_EACH
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

HEALED_WITHIN_S = 60.0
RECEIVE_MAXIMUM = 20
"""What a broker sends to a gateway that stands still."""
_STATES = """
SELECT space.car_park, space.label, state.state, state.seq FROM occupancy.space_state AS state
JOIN registry.space ON space.number = state.space"""
_GAPS_OPEN = "SELECT count(*) FROM occupancy.seq_gap WHERE healed_at IS NULL"


@pytest.fixture
def forgetful_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Sessions and messages live in its memory only."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    server = Mosquitto(folder, user=getpass.getuser(), more="autosave_on_changes false\nautosave_interval 0\n")
    server.start()
    yield server
    server.stop()


class Sensors:
    """All spaces with their present word; snapshots on order, over one connection."""

    def __init__(self, port: int, clock: SystemClock, dice: random.Random) -> None:
        self.now: dict[tuple[str, str], tuple[SpaceStateWord, int]] = {
            (f"fault-{park}", f"B1-{space:03}"): ("free", 0)
            for park in range(CAR_PARKS)
            for space in range(SPACES_EACH)
        }
        self.snapshots = 0
        self._clock = clock
        self._dice = dice
        self._orders: asyncio.Queue[tuple[str, OrderMessage]] = asyncio.Queue()
        self._client = WireClient(
            f"mqtt://{LOOPBACK}:{port}",
            clock,
            client_id="sensors",
            filters=[up_topic(OPERATOR, "+", "orders")],
            hear=self._hear,
        )

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        await self._client.open()
        obeying = asyncio.create_task(self._obey())
        try:
            yield
        finally:
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)
            await self._client.close()

    async def change(self, share: float) -> None:
        """A `share` of the spaces changes; said one by one."""
        for place in [place for place in self.now if self._dice.random() < share]:
            state, seq = self.now[place]
            self.now[place] = ("occupied" if state == "free" else "free", seq + 1)
            await self._say(place[0], [place])

    async def tell_everything(self, car_park: str) -> None:
        places = [place for place in self.now if place[0] == car_park]
        for place in places:
            state, seq = self.now[place]
            self.now[place] = (state, seq + 1)
        await self._say(car_park, places)

    async def acknowledged(self) -> None:
        await self._client.acknowledged()

    async def _say(self, car_park: str, places: list[tuple[str, str]]) -> None:
        at = self._clock.now()
        events = [SpaceEvent(place[1], self.now[place][0], at, self.now[place][1], "b1") for place in places]
        topic = up_topic(OPERATOR, car_park, "spaces")
        await self._client.publish(topic, msgspec.json.encode(SpacesMessage(events)))

    def _hear(self, topic: str, payload: bytes) -> None:
        parts = parse_topic(topic)
        assert parts is not None
        self._orders.put_nowait((parts.car_park, msgspec.json.decode(payload, type=OrderMessage)))

    async def _obey(self) -> None:
        while True:
            car_park, order = await self._orders.get()
            self.snapshots += 1
            await self.tell_everything(car_park)
            ack = msgspec.json.encode(AckMessage(order.order, True, self._clock.now()))
            await self._client.publish(up_topic(OPERATOR, car_park, "acks"), ack)


async def test_broker_killed(
    make_site: MakeSite,
    database_url: str,
    forgetful_broker: Mosquitto,
    scale: Scale,
    dice: random.Random,
    real_clock: SystemClock,
) -> None:
    """The gateway stood still, so that the broker had sent it only a little of what it had acknowledged."""
    settings = {"BERTH_GATEWAY__RECEIVE_MAXIMUM": str(RECEIVE_MAXIMUM)}
    site = await make_site(database_url, forgetful_broker.port, settings=settings)
    await site.start()
    sensors = Sensors(forgetful_broker.port, real_clock, dice)
    async with sensors.connected():
        for park in range(CAR_PARKS):
            await sensors.tell_everything(f"fault-{park}")
        await sensors.change(1.0)
        await until_right(site, sensors, real_clock, within_s=30.0)
        for _ in range(scale.kills):
            os.kill(site.gateway.pid, signal.SIGSTOP)
            await sensors.change(1.0)
            await sensors.acknowledged()
            forgetful_broker.kill()
            forgetful_broker.start()
            os.kill(site.gateway.pid, signal.SIGCONT)
            # The last word of nearly every space was lost, and nothing later would have shown it.
            await until_right(site, sensors, real_clock, within_s=HEALED_WITHIN_S)
        assert sensors.snapshots >= CAR_PARKS * scale.kills
    assert await gaps_open(database_url) == 0


async def test_broker_and_gateway_killed(
    make_site: MakeSite,
    database_url: str,
    forgetful_broker: Mosquitto,
    scale: Scale,
    dice: random.Random,
    real_clock: SystemClock,
) -> None:
    """The new process finds that nothing was kept for it."""
    site = await make_site(database_url, forgetful_broker.port)
    await site.start()
    sensors = Sensors(forgetful_broker.port, real_clock, dice)
    async with sensors.connected():
        for park in range(CAR_PARKS):
            await sensors.tell_everything(f"fault-{park}")
        await until_right(site, sensors, real_clock, within_s=30.0)
        for _ in range(scale.kills):
            site.gateway.kill()
            await sensors.change(0.5)
            await sensors.acknowledged()
            forgetful_broker.kill()
            forgetful_broker.start()
            site.gateway.start()
            await until_right(site, sensors, real_clock, within_s=HEALED_WITHIN_S)
        assert sensors.snapshots >= CAR_PARKS * scale.kills
    assert await gaps_open(database_url) == 0


async def gaps_open(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval(_GAPS_OPEN))
    finally:
        await connection.close()


async def until_right(site: Site, sensors: Sensors, clock: SystemClock, *, within_s: float) -> None:
    """Return when every space is known to be what it is, and every gap is closed."""
    deadline = clock.monotonic() + within_s
    connection = await asyncpg.connect(site.database_url)
    try:
        while True:
            rows = await connection.fetch(_STATES)
            known = {(row["car_park"], row["label"]): (row["state"], row["seq"]) for row in rows}
            left_open = await connection.fetchval(_GAPS_OPEN)
            wrong = [place for place, word in sensors.now.items() if known.get(place) != word]
            if not wrong and not left_open:
                return
            assert clock.monotonic() < deadline, (
                f"{len(wrong)} spaces wrong and {left_open} gaps open after {within_s} s: {site.gateway.last_words()}"
            )
            await clock.sleep(0.2)
    finally:
        await connection.close()
