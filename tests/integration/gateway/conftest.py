"""A gateway in this process, on a real broker and a real database, with occupancy's recorder behind it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from app.embedded import EmbeddedBroker
from contracts.facts import HeardHandler, PassageHandler, RecordFacts
from contracts.orders import OrderHandler
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.link import Link
from gateway.metrics import GatewayMetrics
from gateway.received import Received
from gateway.record import Handlers
from gateway.service import Gateway
from gateway.settings import GatewaySettings
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.ids import new_id
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually

OPERATOR = "op"
CAR_PARK = "mall-1"


class Client:
    """A device, or whoever listens: publishes with QoS 1 and keeps what it hears."""

    def __init__(
        self,
        url: str,
        *filters: str,
        protocol: ProtocolVersion = "5",
        client_id: str = "device",
        ca_file: str | None = None,
        expiry_s: int = 0,
    ) -> None:
        self.heard: list[Received] = []
        session = Session(client_id, filters, protocol, expiry_s=expiry_s, ca_file=ca_file)
        self.link = Link(BrokerAddress.of(url), session, SystemClock(), on_message=self._hear, acknowledge_at_once=True)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """From the first attempt on until the block has ended."""
        running = asyncio.create_task(self.link.run())
        try:
            yield
        finally:
            await self.link.stop()
            await running

    def _hear(self, message: Received) -> bool:
        self.heard.append(message)
        return True

    def say(self, kind: str, payload: object, *, operator: str = OPERATOR, car_park: str = CAR_PARK) -> None:
        raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        self.link.publish(f"parking/v1/{operator}/{car_park}/{kind}", raw)

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What was heard on topics that end with `kind`."""
        return [msgspec.json.decode(heard.payload) for heard in self.heard if heard.topic.endswith(kind)]


class Books(Protocol):
    async def __call__(self, car_park: str = CAR_PARK) -> dict[str, int]: ...


class StartGateway(Protocol):
    """Runs a gateway until the test ends. `broker_url` defaults to the embedded broker's MQTT 5 port."""

    async def __call__(
        self,
        *,
        db: Database | None = None,
        broker_url: str | None = None,
        record_facts: RecordFacts | None = None,
        on_passage: Sequence[PassageHandler] = (),
        on_order: Sequence[OrderHandler] = (),
        on_heard: Sequence[HeardHandler] = (),
        await_ready: bool = True,
        **settings: Any,
    ) -> Gateway: ...


class StartClient(Protocol):
    async def __call__(
        self, *filters: str, url: str | None = None, protocol: ProtocolVersion = "5", client_id: str = ""
    ) -> Client: ...


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """This test's database in real time, with one car park: 20 spaces, two zones, one lane."""
    opened = Database(database_url, SystemClock())
    await opened.open()
    await register(opened)
    yield opened
    await opened.close()


async def register(db: Database, car_park: str = CAR_PARK, *, spaces: int = 20, operator: str = OPERATOR) -> None:
    """Put a car park straight into the registry, or more spaces into one that is there."""
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO registry.operator VALUES ($1, 'x', 'x', now()) ON CONFLICT DO NOTHING", operator)
        await tx.execute(
            """INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone, capacity,
                                              created_at, updated_at)
               VALUES ($1, $2, 'x', 'x', 'mall', 41.8, 123.4, 'Asia/Shanghai', 100, now(), now())
               ON CONFLICT (id) DO NOTHING""",
            car_park,
            operator,
        )
        for zone in ("B1", "B2"):
            await tx.execute("INSERT INTO registry.zone VALUES ($1, $2, 50, 1) ON CONFLICT DO NOTHING", car_park, zone)
        await tx.execute(
            """INSERT INTO registry.space (car_park, label, zone)
               SELECT $1, 'B1-' || number, 'B1' FROM generate_series(1, $2::integer) AS number
               ON CONFLICT DO NOTHING""",
            car_park,
            spaces,
        )
        await tx.execute("INSERT INTO registry.lane VALUES ($1, 'E1', 'entry', NULL) ON CONFLICT DO NOTHING", car_park)
        await tx.execute("UPDATE registry.revision SET value = value + 1")


@pytest.fixture
async def start_gateway(db: Database, broker: EmbeddedBroker, eventually: Eventually) -> AsyncIterator[StartGateway]:
    own_db = db
    running: list[tuple[Gateway, asyncio.Task[None]]] = []
    names = iter(f"gateway-{number}-{id(db)}" for number in range(100))

    async def start(
        *,
        db: Database | None = None,
        broker_url: str | None = None,
        record_facts: RecordFacts | None = None,
        on_passage: Sequence[PassageHandler] = (),
        on_order: Sequence[OrderHandler] = (),
        on_heard: Sequence[HeardHandler] = (),
        await_ready: bool = True,
        **settings: Any,
    ) -> Gateway:
        settings.setdefault("client_id", next(names))
        embedded = broker_url in (None, broker.url, broker.url_v5)
        settings.setdefault("message_expiry", not embedded)  # the embedded broker does not survive it
        gateway = Gateway(
            db or own_db,
            SystemClock(),
            Handlers(record_facts or Recorder(OccupancySettings()).record_facts, on_passage, on_order, on_heard),
            broker_url=broker_url or broker.url_v5,
            settings=GatewaySettings(**settings),
            metrics=GatewayMetrics(CollectorRegistry()),
        )
        running.append((gateway, asyncio.create_task(gateway.run())))
        if await_ready:
            await eventually(lambda: gateway.ready)
        return gateway

    yield start
    for gateway, task in running:
        await gateway.stop()
        await task


@pytest.fixture
async def start_client(broker: EmbeddedBroker, eventually: Eventually) -> AsyncIterator[StartClient]:
    running: list[tuple[Client, asyncio.Task[None]]] = []

    async def start(
        *filters: str, url: str | None = None, protocol: ProtocolVersion = "5", client_id: str = ""
    ) -> Client:
        url = url or (broker.url_v5 if protocol == "5" else broker.url)
        # Never an earlier test's name: where that one is not quite gone, a take-over may end the embedded broker.
        client = Client(url, *filters, protocol=protocol, client_id=client_id or new_id("device", SystemClock().now()))
        running.append((client, asyncio.create_task(client.link.run())))
        await eventually(lambda: client.link.ready)
        return client

    yield start
    for client, task in running:
        await client.link.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def books(db: Database) -> Books:
    """A car park's tally, without its time; all zero before the first message."""

    async def read(car_park: str = CAR_PARK) -> dict[str, int]:
        names = ("received", "stored", "duplicate", "late", "dead")
        async with db.transaction() as tx:
            row = await tx.fetchrow("SELECT * FROM gateway.tally WHERE car_park = $1", car_park)
        return {name: 0 if row is None else row[name] for name in names}

    return read


async def books_are(books: Books, car_park: str = CAR_PARK, **counted: int) -> bool:
    """Whether a car park's tally has these numbers, whatever the others are."""
    return (await books(car_park)).items() >= counted.items()


def now(shift_s: float = 0) -> str:
    """A device's clock."""
    return (SystemClock().now() + timedelta(seconds=shift_s)).isoformat()
