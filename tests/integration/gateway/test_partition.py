"""Several gateways on one broker and one database: who hears whom, who takes over, and that nobody is unheard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from app.embedded import EmbeddedPostgres
from gateway.metrics import GatewayMetrics
from gateway.partition import slot_of
from gateway.partition_lease import SlotLease, SlotLost
from gateway.record import Handlers
from gateway.service import Gateway
from gateway.settings import GatewaySettings
from kernel.clock import SystemClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.faults.proxy import Proxy
from tests.integration.gateway.conftest import Books, StartClient, StartGateway, books_are, now, register
from tests.integration.gateway.ordering import give, wanted
from tests.integration.gateway.test_acknowledge import through_proxy
from tests.mosquitto import Mosquitto

FIRST = next(name for name in map("first-{}".format, range(100)) if slot_of(name, 2) == 0)
SECOND = next(name for name in map("second-{}".format, range(100)) if slot_of(name, 2) == 1)


class Slots(Protocol):
    async def __call__(self) -> dict[str, set[str]]: ...


@pytest.fixture
def subscriptions(db: Database) -> Slots:
    """The operators that stand in the table, by client id."""

    async def read() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        async with db.transaction(readonly=True) as tx:
            for row in await tx.fetch("SELECT client_id, operator FROM gateway.subscription"):
                found.setdefault(row["client_id"], set()).add(row["operator"])
        return found

    return read


@pytest.fixture
async def through(db: Database, postgres_server: EmbeddedPostgres) -> AsyncIterator[tuple[Database, Proxy]]:
    """The same database for one gateway alone, by a line that can be cut."""
    async with Proxy(postgres_server.port, SystemClock(), seed=1) as proxy:
        opened = Database(through_proxy(db.url, postgres_server, proxy.port), SystemClock())
        await opened.open()
        yield opened, proxy
        await opened.close()


def make_gateway(db: Database, broker_url: str, **settings: object) -> Gateway:
    return Gateway(
        db,
        SystemClock(),
        Handlers(Recorder(OccupancySettings()).record_facts),
        broker_url=broker_url,
        settings=GatewaySettings.model_validate(settings),
        metrics=GatewayMetrics(CollectorRegistry()),
    )


def event(number: int) -> dict[str, object]:
    return {"space": f"B1-{number % 20 + 1}", "state": "occupied", "at": now(-1), "seq": number, "epoch": "e"}


async def test_each_operator_is_heard_once_and_a_new_one_from_its_first_message_on(
    db: Database,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    subscriptions: Slots,
    books: Books,
    eventually: Eventually,
) -> None:
    await register(db, "mall-first", operator=FIRST)
    await register(db, "mall-second", operator=SECOND)
    gateways = [await start_gateway(broker_url=mosquitto.url, client_id="part", partitions=2) for _ in range(2)]
    assert sorted(gateway.slot for gateway in gateways) == [0, 1]
    assert [gateway.slot for gateway in gateways if gateway.mine(SECOND)] == [1]
    await eventually(lambda: heard_by(subscriptions, "part-1-of-2", SECOND))
    first = next(gateway for gateway in gateways if gateway.slot == 0)
    await eventually(
        lambda: first.copy.directory.speaker(f"parking/v1/{SECOND}/mall-second/spaces").kind == "elsewhere"
    )

    device = await start_client(url=mosquitto.url)
    for number in range(50):
        device.say("spaces", event(number), operator=FIRST, car_park="mall-first")
        device.say("spaces", event(number), operator=SECOND, car_park="mall-second")
    for car_park in ("mall-first", "mall-second"):
        await eventually(partial(books_are, books, car_park, stored=50))
        assert (await books(car_park))["duplicate"] == 0

    late = next(name for name in map("late-{}".format, range(100)) if slot_of(name, 2) == 1)
    await register(db, "mall-late", operator=late)
    for number in range(50):
        device.say("spaces", event(number), operator=late, car_park="mall-late")
    await eventually(lambda: books_are(books, "mall-late", stored=50))
    await eventually(lambda: heard_by(subscriptions, "part-1-of-2", late))


async def test_an_operator_that_goes_is_unsubscribed(
    db: Database,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    subscriptions: Slots,
    eventually: Eventually,
) -> None:
    await register(db, "mall-second", operator=SECOND)
    gateway = await start_gateway(
        broker_url=mosquitto.url, client_id="leaves", partitions=2, slot=1, strangers=False, protocol="5"
    )
    await eventually(lambda: heard_by(subscriptions, "leaves-1-of-2", SECOND))
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM registry.space WHERE car_park = 'mall-second'")
        await tx.execute("DELETE FROM registry.lane WHERE car_park = 'mall-second'")
        await tx.execute("DELETE FROM registry.zone WHERE car_park = 'mall-second'")
        await tx.execute("DELETE FROM registry.car_park WHERE id = 'mall-second'")
        await tx.execute("UPDATE registry.revision SET value = value + 1")

    async def gone() -> bool:
        return not await heard_by(subscriptions, "leaves-1-of-2", SECOND)

    await eventually(gone)
    await eventually(lambda: SECOND not in gateway.copy.directory.operators())
    device = await start_client(url=mosquitto.url)
    device.say("spaces", event(1), operator=SECOND, car_park="mall-second")
    device.say("spaces", event(1), operator="leaves-1-of-2", car_park="nowhere")
    assert await eventually(lambda: refused(db)) == ["nowhere"]


async def test_strangers_go_to_the_dead_letters_of_slot_0(
    db: Database, mosquitto: Mosquitto, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    for _ in range(2):
        await start_gateway(broker_url=mosquitto.url, client_id="strange", partitions=2)
    device = await start_client(url=mosquitto.url)
    names = [f"nowhere-{number}" for number in range(10)]
    for name in names:
        device.say("spaces", event(1), operator=f"nobody-at-{name}", car_park=name)
    await eventually(lambda: refused_are(db, names))


async def test_a_gateway_cut_off_from_the_database_is_replaced_and_does_not_fight_for_the_broker(
    through: tuple[Database, Proxy],
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    behind_proxy, proxy = through
    old = make_gateway(behind_proxy, mosquitto.url, client_id="cut-off", lease_s=3)
    running = asyncio.create_task(old.run())
    await eventually(lambda: old.ready)
    spare = await start_gateway(broker_url=mosquitto.url, client_id="cut-off", lease_s=3)
    assert spare.slot == -1
    device = await start_client(url=mosquitto.url)
    device.say("spaces", event(0))
    await eventually(lambda: books_are(books, stored=1))

    proxy.refuse = True
    proxy.reset()
    for number in range(1, 100):
        device.say("spaces", event(number))
    await eventually(lambda: spare.link.ready)
    await eventually(lambda: books_are(books, stored=100))
    assert not old.mine("op")
    await eventually(lambda: not old.link.ready)
    assert spare.mine("op")

    proxy.refuse = False
    with pytest.raises(SlotLost):
        await running
    assert (old.link.connects, spare.link.connects) == (1, 1)
    await old.stop()


async def test_an_outage_of_the_database_costs_nobody_the_slot(
    through: tuple[Database, Proxy],
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    behind_proxy, proxy = through
    holder, spare = [
        await start_gateway(db=behind_proxy, broker_url=mosquitto.url, client_id="outage", lease_s=3) for _ in range(2)
    ]
    device = await start_client(url=mosquitto.url)
    proxy.refuse = True
    proxy.reset()
    await eventually(lambda: not holder.lease.held)
    for number in range(100):
        device.say("spaces", event(number))
    proxy.refuse = False
    await eventually(lambda: books_are(books, stored=100), within_s=30)
    assert (holder.slot, spare.slot) == (0, -1)
    assert holder.link.connects == 1


async def test_a_stopped_process_in_mid_transaction_keeps_no_locks(
    database_url: str, db: Database, mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    """Its sessions carry its own name, as every `berth serve` has one."""
    stopped = Database(database_url, SystemClock(), name="the stopped one")
    await stopped.open()
    old = make_gateway(stopped, mosquitto.url, client_id="frozen", lease_s=3)
    await old.lease.claim()  # and from here on it does nothing any more, as after SIGSTOP
    holding = stopped.transaction()
    tx = await holding.__aenter__()
    await tx.execute("SELECT FROM registry.car_park WHERE id = 'mall-1' FOR UPDATE")
    new = await start_gateway(broker_url=mosquitto.url, client_id="frozen", lease_s=3)
    await eventually(lambda: new.link.ready)
    async with db.transaction() as other:
        await other.execute("SELECT FROM registry.car_park WHERE id = 'mall-1' FOR UPDATE NOWAIT")
    with contextlib.suppress(Exception):
        await holding.__aexit__(None, None, None)
    await old.stop()
    await stopped.close()


async def test_a_renewal_does_not_wait_behind_other_work(
    database_url: str, db: Database, eventually: Eventually
) -> None:
    narrow = Database(database_url, SystemClock(), connections_max=1)
    await narrow.open()
    lease = SlotLease(narrow, SystemClock(), GatewaySettings(client_id="busy", lease_s=3))
    await lease.claim()
    keeping = asyncio.create_task(lease.keep())
    async with narrow.transaction():  # the only connection there is

        async def renewed_beyond_the_first_lease() -> bool:
            async with db.transaction(readonly=True) as tx:
                asked = "SELECT until > claimed_at + interval '7 s' FROM gateway.slot WHERE client_id = 'busy'"
                return bool(await tx.fetchval(asked))

        await eventually(renewed_beyond_the_first_lease)
        assert lease.held
    keeping.cancel()
    await lease.give_up()
    await narrow.close()


async def test_another_number_of_gateways_takes_over_without_a_gap(
    db: Database,
    mosquitto: Mosquitto,
    start_gateway: StartGateway,
    start_client: StartClient,
    subscriptions: Slots,
    books: Books,
    eventually: Eventually,
) -> None:
    """As docs/scale.md says: the new ones beside the old one, then without it."""
    await register(db, "mall-second", operator=SECOND)
    old = await start_gateway(broker_url=mosquitto.url, client_id="grows")
    device = await start_client(url=mosquitto.url)
    for number in range(20):
        device.say("spaces", event(number), operator=SECOND, car_park="mall-second")
    for _ in range(2):
        await start_gateway(broker_url=mosquitto.url, client_id="grows", partitions=2)
    await eventually(lambda: heard_by(subscriptions, "grows-1-of-2", SECOND))
    for number in range(20, 40):
        device.say("spaces", event(number), operator=SECOND, car_park="mall-second")
    await old.stop()
    for number in range(40, 60):
        device.say("spaces", event(number), operator=SECOND, car_park="mall-second")
    await eventually(lambda: books_are(books, "mall-second", stored=60))


async def test_each_order_goes_out_once(
    db: Database, mosquitto: Mosquitto, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await register(db, "mall-first", operator=FIRST)
    await register(db, "mall-second", operator=SECOND)
    for _ in range(3):
        await start_gateway(broker_url=mosquitto.url, client_id="orders", partitions=2)
    devices = await start_client("parking/v1/+/+/orders", url=mosquitto.url)
    given = set()
    for car_park in ("mall-first", "mall-second"):
        for number in range(10):
            given.add(await give(db, wanted(car_park=car_park, cause=f"test:{number}")))
    await eventually(lambda: {told["order"] for told in devices.said("orders")} == given)

    async def written_down() -> bool:
        async with db.transaction(readonly=True) as tx:
            return bool(await tx.fetchval("SELECT count(*) = 0 FROM gateway.device_order WHERE state = 'pending'"))

    await eventually(written_down)
    assert len(devices.said("orders")) == len(given)


async def heard_by(subscriptions: Slots, client_id: str, operator: str) -> bool:
    return operator in (await subscriptions()).get(client_id, set())


async def refused(db: Database) -> list[str]:
    """The unknown car parks in the dead letters."""
    async with db.transaction(readonly=True) as tx:
        rows = await tx.fetch("SELECT topic FROM gateway.dead_letter WHERE reason = 'unknown_car_park' ORDER BY topic")
    return [row["topic"].split("/")[3] for row in rows]


async def refused_are(db: Database, names: list[str]) -> bool:
    return await refused(db) == names
