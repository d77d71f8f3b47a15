"""A message is acknowledged after its commit, in order, on the connection it came over; nothing is lost in between."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from app.embedded import EmbeddedPostgres
from contracts.facts import Facts, Recorded
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.faults.proxy import Proxy
from tests.integration.gateway.conftest import CAR_PARK, Books, StartClient, StartGateway, books_are, now, register
from tests.mosquitto import Mosquitto


class Gate:
    """Occupancy's recorder with a gate before it: what passes is inside a transaction that is not committed yet.

    With `only`, the facts of other car parks pass beside it.
    """

    def __init__(self, only: str | None = None) -> None:
        self._record = Recorder(OccupancySettings()).record_facts
        self._only = only
        self.entered = 0
        self.open = asyncio.Event()

    async def record_facts(self, tx: Tx, facts: Facts) -> Recorded:
        if self._only is None or any(fact.car_park == self._only for fact in facts.spaces):
            self.entered += 1
            await self.open.wait()
        return await self._record(tx, facts)


def event(number: int) -> dict[str, object]:
    return {"space": f"B1-{number % 20 + 1}", "state": "occupied", "at": now(-1), "seq": number, "epoch": "e"}


async def received(books: Books, count: int) -> bool:
    return (await books())["received"] >= count


async def test_nothing_is_acknowledged_before_its_commit(
    mosquitto: Mosquitto, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    gate = Gate()
    gateway = await start_gateway(broker_url=mosquitto.url, record_facts=gate.record_facts)
    device = await start_client(url=mosquitto.url)
    for number in range(50):
        device.say("spaces", event(number))

    await eventually(lambda: gate.entered and gateway.link.unacknowledged == 50)
    assert await books() == dict.fromkeys(await books(), 0)
    gate.open.set()
    await eventually(lambda: gateway.link.unacknowledged == 0)
    assert (await books())["stored"] == 50


async def test_a_slow_car_park_holds_acknowledgements_and_no_other_car_park(
    db: Database,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    await register(db, "mall-2")
    gate = Gate(only=CAR_PARK)
    gateway = await start_gateway(broker_url=mosquitto.url, record_facts=gate.record_facts)
    device = await start_client(url=mosquitto.url)
    device.say("spaces", event(0))
    await eventually(lambda: gate.entered)
    for number in range(20):
        device.say("spaces", event(number), car_park="mall-2")
        device.say("spaces", event(number))
    await eventually(lambda: books_are(books, "mall-2", stored=20))
    await eventually(lambda: gateway.link.unacknowledged == 41)  # nothing newer is acknowledged before the oldest
    assert (await books())["stored"] == 0
    gate.open.set()
    await eventually(lambda: gateway.link.unacknowledged == 0)
    assert await books() == {"received": 21, "stored": 21, "duplicate": 0, "late": 0, "dead": 0}


async def test_what_was_not_acknowledged_comes_again_after_a_cut_and_old_acknowledgements_are_dropped(
    mosquitto: Mosquitto, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    gate = Gate()
    async with Proxy(mosquitto.port, SystemClock(), seed=1) as proxy:
        url = f"mqtt://127.0.0.1:{proxy.port}"
        gateway = await start_gateway(broker_url=url, record_facts=gate.record_facts)
        device = await start_client(url=mosquitto.url)
        for number in range(30):
            device.say("spaces", event(number))
        await eventually(lambda: gate.entered and gateway.link.unacknowledged == 30)

        proxy.reset()
        await eventually(lambda: gateway.link.generation > 1 and gateway.link.unacknowledged == 30)
        gate.open.set()

        await eventually(lambda: gateway.link.unacknowledged == 0)
        assert await books() == {"received": 60, "stored": 30, "duplicate": 30, "late": 0, "dead": 0}


async def test_what_was_sent_while_the_gateway_was_away_is_delivered_by_the_kept_session(
    mosquitto: Mosquitto, start_gateway: StartGateway, start_client: StartClient, books: Books, eventually: Eventually
) -> None:
    first = await start_gateway(broker_url=mosquitto.url, client_id="steady")
    device = await start_client(url=mosquitto.url)
    device.say("spaces", event(0))
    await eventually(lambda: books_are(books, stored=1))
    await first.stop()

    for number in range(1, 40):
        device.say("spaces", event(number))
    await start_gateway(broker_url=mosquitto.url, client_id="steady")

    assert await eventually(lambda: received(books, 40))
    assert (await books())["stored"] == 40


async def test_a_database_that_goes_and_comes_back_loses_nothing_and_memory_is_bounded(
    db: Database,
    postgres_server: EmbeddedPostgres,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    async with Proxy(postgres_server.port, SystemClock(), seed=1) as proxy:
        through = Database(through_proxy(db.url, postgres_server, proxy.port), SystemClock())
        await through.open()
        gateway = await start_gateway(
            db=through, broker_url=mosquitto.url, protocol="3.1.1", queue_messages_max=50, receive_maximum=20
        )
        device = await start_client(url=mosquitto.url)
        device.say("spaces", event(0))
        await eventually(lambda: books_are(books, stored=1))

        proxy.refuse = True
        proxy.reset()
        for number in range(1, 500):
            device.say("spaces", event(number))
        await eventually(lambda: gateway.ingest.database_away and not gateway.ready)
        await eventually(lambda: len(device.link.outbox) == 0)
        assert len(gateway.ingest.queue) <= 50

        proxy.refuse = False
        assert await eventually(lambda: books_are(books, stored=500), within_s=30)
        await eventually(lambda: gateway.ready and gateway.link.unacknowledged == 0)
        assert (await books())["received"] == 500
        await through.close()


async def test_a_gateway_started_without_a_database_waits_for_it_and_the_broker_keeps_the_messages(
    db: Database,
    postgres_server: EmbeddedPostgres,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    async with Proxy(postgres_server.port, SystemClock(), seed=1) as proxy:
        before = await start_gateway(broker_url=mosquitto.url, client_id="early")
        await before.stop()
        through = Database(through_proxy(db.url, postgres_server, proxy.port), SystemClock())
        await through.open()
        proxy.refuse = True
        proxy.reset()
        gateway = await start_gateway(db=through, broker_url=mosquitto.url, client_id="early", await_ready=False)
        device = await start_client(url=mosquitto.url)
        device.say("spaces", event(1))
        await eventually(lambda: len(device.link.outbox) == 0)
        assert not gateway.ready

        proxy.refuse = False
        assert await eventually(lambda: books_are(books, stored=1), within_s=30)
        await through.close()


async def test_a_stop_ends_in_time_although_the_database_hangs(
    db: Database,
    postgres_server: EmbeddedPostgres,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    async with Proxy(postgres_server.port, SystemClock(), seed=1) as proxy:
        through = Database(through_proxy(db.url, postgres_server, proxy.port), SystemClock())
        await through.open()
        gateway = await start_gateway(db=through, broker_url=mosquitto.url, client_id="stopped")
        device = await start_client(url=mosquitto.url)
        proxy.black_hole(True)
        device.say("spaces", event(1))
        await eventually(lambda: gateway.link.unacknowledged == 1)

        async with asyncio.timeout(10):
            await gateway.stop()
        proxy.black_hole(False)
        await through.close()

    await start_gateway(broker_url=mosquitto.url, client_id="stopped")
    assert await eventually(lambda: books_are(books, stored=1))


def through_proxy(url: str, server: EmbeddedPostgres, port: int) -> str:
    """The database of `url`, by TCP through a proxy."""
    public = urlsplit(server.public_url(urlsplit(url).path.lstrip("/")))
    return urlunsplit(public._replace(netloc=public.netloc.rsplit(":", 1)[0] + f":{port}"))
