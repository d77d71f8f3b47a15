"""kill -9 of a gateway that gives orders: every barrier opens once, in time, or not at all, and the rows say which.

The cause of each order is committed by another process, as reservation's would be; the gateway dies at any moment
between that row, the PUBLISH, the PUBACK, its writing down and the device's answer.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from app.processes import LOOPBACK
from contracts.ids import CarParkId, LaneLabel, OrderId
from contracts.orders import OrderKind, WantedOrder
from contracts.wire import OrderMessage, parse_topic, up_topic
from gateway.give_order import give_order
from kernel.clock import SystemClock
from kernel.db import Database, Row
from kernel.db_errors import will_pass
from simulators.equipment import Equipment
from simulators.wire_client import WireClient
from tests.faults.conftest import Record, Scale
from tests.faults.devices import OPERATOR
from tests.faults.oracle import Verdict
from tests.faults.proxy import Proxy, Trip
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

CAR_PARK = "fault-0"
PATIENT = timedelta(minutes=2)


class ObedientCarPark:
    """Does what it is told and says so; `heard` has every order as often as it came."""

    def __init__(self, port: int, clock: SystemClock) -> None:
        self.heard: Counter[str] = Counter()
        self.equipment = Equipment()
        self._clock = clock
        self._told: asyncio.Queue[OrderMessage] = asyncio.Queue()
        topic = up_topic(OPERATOR, CAR_PARK, "orders")
        self._client = WireClient(
            f"mqtt://{LOOPBACK}:{port}", clock, client_id="obedient", filters=[topic], hear=self._hear
        )

    def _hear(self, topic: str, payload: bytes) -> None:
        parts = parse_topic(topic)
        assert parts is not None
        order = msgspec.json.decode(payload, type=OrderMessage)
        self.heard[order.order] += 1
        self._told.put_nowait(order)

    async def _obey(self) -> None:
        while True:
            ack = self.equipment.obey(await self._told.get(), self._clock.now())
            await self._client.publish(up_topic(OPERATOR, CAR_PARK, "acks"), msgspec.json.encode(ack))

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        await self._client.open()
        obeying = asyncio.create_task(self._obey())
        yield
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        await self._client.close()


@pytest.fixture
async def database(database_url: str, real_clock: SystemClock) -> AsyncIterator[Database]:
    """The one who gives orders."""
    opened = Database(database_url, real_clock)
    await opened.open()
    yield opened
    await opened.close()


async def give(database: Database, lane: str, ttl: timedelta) -> OrderId:
    async with database.transaction() as tx:
        return await give_order(
            tx,
            WantedOrder(
                car_park=CarParkId(CAR_PARK),
                kind=OrderKind.OPEN_BARRIER,
                cause=f"exit:{lane}",
                reason="pay_later",
                actor="test",
                lane=LaneLabel(lane),
                ttl=ttl,
            ),
        )


async def rows_of(database: Database) -> dict[str, Row]:
    """Every order, by its lane: each is for a lane of its own."""
    async with database.transaction(readonly=True) as tx:
        return {row["lane"]: row for row in await tx.fetch("SELECT * FROM gateway.device_order")}


async def all_closed(site: Site, database: Database, number: int) -> None:
    async def closed() -> bool:
        rows = await rows_of(database)
        return sum(row["closed_at"] is not None for row in rows.values()) >= number

    await site.until_true(closed, f"fewer than {number} orders are closed", within_s=60)


async def give_surely(database: Database, lane: str) -> OrderId:
    """Again, for the same cause, as long as the database cannot say what became of it."""
    while True:
        try:
            return await give(database, lane, PATIENT)
        except Exception as error:
            if not will_pass(error):
                raise
            await database.clock.sleep(0.02)


async def each_opened_once(database: Database, car_park: ObedientCarPark, given: dict[str, OrderId]) -> Verdict:
    """The verdict in the words of the fault suite; AssertionError where it is not clean."""
    rows = await rows_of(database)
    opened = car_park.equipment.opened
    assert {lane: row["id"] for lane, row in rows.items()} == given
    assert dict(opened) == dict.fromkeys(given, 1)
    assert {lane: row["state"] for lane, row in rows.items()} == dict.fromkeys(given, "done")
    return Verdict(len(given), sum(opened.values()), [], [], [], [], [], [])


def repeats(car_park: ObedientCarPark) -> str:
    twice = sum(times > 1 for times in car_park.heard.values())
    return f"orders; {twice} came again, none was obeyed twice"


async def test_orders_while_the_gateway_is_killed(
    site: Site, own_broker: Mosquitto, database: Database, scale: Scale, dice: random.Random, record: Record
) -> None:
    await site.start()
    car_park = ObedientCarPark(own_broker.port, site.clock)
    given: dict[str, OrderId] = {}
    async with car_park.listening():
        for kill in range(scale.kills):
            for number in range(20):
                lane = f"X{kill}-{number}"
                given[lane] = await give(database, lane, PATIENT)
            await site.clock.sleep(dice.uniform(0, 0.06))
            site.gateway.kill()
            lane = f"X{kill}-away"
            given[lane] = await give(database, lane, PATIENT)
            site.gateway.start()
        await all_closed(site, database, len(given))
    record(await each_opened_once(database, car_park, given), scale.kills, repeats(car_park), kinds=("gateway kills",))


async def test_orders_while_the_broker_is_cut_off(
    broker_line_site: Site,
    own_broker: Mosquitto,
    to_broker: Proxy,
    database: Database,
    scale: Scale,
    dice: random.Random,
    record: Record,
) -> None:
    """Resets at any moment, and one right after the PUBLISH of an order, whose PUBACK is lost."""
    site = broker_line_site
    await site.start()
    car_park = ObedientCarPark(own_broker.port, site.clock)
    given: dict[str, OrderId] = {}
    cuts = 0
    async with car_park.listening():
        for turn in range(scale.rounds):
            to_broker.trip = Trip(b"open_barrier", let_through=True, times=1)
            given[f"X{turn}-trip"] = await give(database, f"X{turn}-trip", PATIENT)
            await asyncio.wait_for(to_broker.trip.done.wait(), 30)
            cuts += 1
            for number in range(10):
                lane = f"X{turn}-{number}"
                given[lane] = await give(database, lane, PATIENT)
                if dice.random() < 0.2:
                    cuts += to_broker.lines > 0
                    to_broker.reset()
        await all_closed(site, database, len(given))
    record(await each_opened_once(database, car_park, given), cuts, repeats(car_park), kinds=("network cuts",))


async def test_orders_while_database_sessions_end(
    site: Site, own_broker: Mosquitto, database: Database, scale: Scale, dice: random.Random, record: Record
) -> None:
    """Whoever gave an order and never heard of its COMMIT gives it again: the same cause is the same order."""
    await site.start()
    car_park = ObedientCarPark(own_broker.port, site.clock)
    given: dict[str, OrderId] = {}
    async with car_park.listening():
        for end in range(scale.kills):
            ending = asyncio.create_task(_end_sessions_after(site, dice.uniform(0, 0.1)))
            for number in range(20):
                lane = f"X{end}-{number}"
                given[lane] = await give_surely(database, lane)
            await ending
        await all_closed(site, database, len(given))
    record(await each_opened_once(database, car_park, given), scale.kills, repeats(car_park))


async def _end_sessions_after(site: Site, seconds: float) -> None:
    await site.clock.sleep(seconds)
    await site.end_gateway_sessions()


async def test_what_expired_while_the_gateway_was_dead_never_goes_out(
    site: Site, own_broker: Mosquitto, database: Database
) -> None:
    await site.start()
    car_park = ObedientCarPark(own_broker.port, site.clock)
    async with car_park.listening():
        site.gateway.kill()
        over = await give(database, "X-over", timedelta(seconds=1))
        wanted = await give(database, "X-wanted", PATIENT)

        async def is_past() -> bool:
            return bool((await rows_of(database))["X-over"]["expires_at"] < site.clock.now())

        await site.until_true(is_past, "the order does not expire")
        site.gateway.start()
        await all_closed(site, database, 1)
    assert dict(car_park.heard) == {wanted: 1}
    assert over not in car_park.heard
