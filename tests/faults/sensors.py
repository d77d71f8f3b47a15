"""Sensors that answer an order to tell everything and do nothing of their own accord: they do not even notice a loss.

What a broker lost, with its own PUBACK for it, is made good only if the gateway finds out and asks.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from app.processes import LOOPBACK
from contracts.wire import AckMessage, OrderMessage, SpaceEvent, SpacesMessage, SpaceStateWord, parse_topic, up_topic
from kernel.clock import SystemClock
from simulators.wire_client import WireClient
from tests.faults.devices import CAR_PARKS, OPERATOR, SPACES_EACH
from tests.faults.oracle import Verdict
from tests.faults.site import Site

HEALED_WITHIN_S = 60.0
_STATES = """
SELECT space.car_park, space.label, state.state, state.seq FROM occupancy.space_state AS state
JOIN registry.space ON space.number = state.space"""
_HISTORY = "SELECT count(*), count(DISTINCT (space, epoch, seq)) FROM occupancy.space_event"
_GAPS_OPEN = "SELECT count(*) FROM occupancy.seq_gap WHERE healed_at IS NULL"


class Sensors:
    """All spaces with their present word; snapshots on order, over one connection."""

    def __init__(self, port: int, clock: SystemClock, dice: random.Random) -> None:
        self.now: dict[tuple[str, str], tuple[SpaceStateWord, int]] = {
            (f"fault-{park}", f"B1-{space:03}"): ("free", 0)
            for park in range(CAR_PARKS)
            for space in range(SPACES_EACH)
        }
        self.snapshots = 0
        self.said = 0
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

    @asynccontextmanager
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
        self.said += len(events)
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


@asynccontextmanager
async def all_known(site: Site, dice: random.Random) -> AsyncIterator[Sensors]:
    """Sensors whose every word the started gateway has heard so far; when the block ends, every gap must be closed."""
    sensors = Sensors(site.broker_port, site.clock, dice)
    async with sensors.connected():
        for park in range(CAR_PARKS):
            await sensors.tell_everything(f"fault-{park}")
        await sensors.change(1.0)
        await until_right(site, sensors)
        yield sensors


async def until_right(site: Site, sensors: Sensors, *, within_s: float = HEALED_WITHIN_S) -> float:
    """Seconds until every space was known to be what it is, and every gap was closed. AssertionError after too many."""
    started = site.clock.monotonic()
    connection = await asyncpg.connect(site.database_url)
    try:
        while True:
            rows = await connection.fetch(_STATES)
            known = {(row["car_park"], row["label"]): (row["state"], row["seq"]) for row in rows}
            left_open = await connection.fetchval(_GAPS_OPEN)
            wrong = [place for place, word in sensors.now.items() if known.get(place) != word]
            took_s = site.clock.monotonic() - started
            if not wrong and not left_open:
                return took_s
            assert took_s < within_s, (
                f"{len(wrong)} spaces wrong and {left_open} gaps open after {within_s} s: {site.gateway.last_words()}"
            )
            await site.clock.sleep(0.2)
    finally:
        await connection.close()


async def made_good(site: Site, sensors: Sensors, took_s: Sequence[float]) -> tuple[Verdict, str]:
    """The verdict and a remark for the table. `until_right` has already seen that nothing is wrong in the end; what is
    missing in history the broker had lost. AssertionError when history has a word twice, or more than was said.
    """
    connection = await asyncpg.connect(site.database_url)
    try:
        found = await connection.fetchrow(_HISTORY)
    finally:
        await connection.close()
    assert found is not None
    history, distinct = found
    assert history == distinct, f"{history - distinct} words are in history twice"
    assert history <= sensors.said, f"{history} words in history, {sensors.said} were said"
    verdict = Verdict(sensors.said, history, [], [], [], [], [], [])
    return verdict, f"right again after at most {max(took_s):.1f} s, by {sensors.snapshots} snapshots"
