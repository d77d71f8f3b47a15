"""What cuts, restarts and absent devices do to orders: obeyed once and in time, or not at all."""

import getpass
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from app.embedded import EmbeddedBroker
from contracts.orders import OrderClosed, OrderState
from gateway.address import ProtocolVersion
from gateway.dispatch_orders import BROKER_REFUSED
from gateway.give_order import give_order
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from tests.conftest import Eventually
from tests.faults.proxy import Proxy, Trip
from tests.integration.gateway.conftest import StartClient, StartGateway
from tests.integration.gateway.ordering import Barrier, give, has_state, is_over, orders, state_of, wanted
from tests.mosquitto import Mosquitto

BROKER_SECONDS = timedelta(seconds=2)
"""A broker counts in whole seconds."""


@pytest.fixture
def own_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """One that may be stopped, and has a session for nobody."""
    with Mosquitto(tmp_path, user=getpass.getuser()) as server:
        yield server


async def test_a_cut_before_the_brokers_word_repeats_the_order_and_the_barrier_opens_once(
    db: Database, own_mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    async with Proxy(own_mosquitto.port, SystemClock(), seed=1) as proxy:
        gateway = await start_gateway(broker_url=f"mqtt://127.0.0.1:{proxy.port}")
        async with Barrier(own_mosquitto.url, client_id="barrier").obeying(eventually) as barrier:
            proxy.trip = Trip(b"open_barrier", let_through=True, times=1)
            order = await give(db, wanted(ttl_s=30))
            await eventually(partial(has_state, db, order, "done"))
            await eventually(lambda: gateway.link.ready and gateway.link.generation > 1)
            last = await give(db, wanted(cause="exit:2", ttl_s=30))
            await eventually(partial(has_state, db, last, "done"))
            assert {told["order"] for told in orders(barrier)} == {order, last}
            assert barrier.equipment.opened["E1"] == 2


async def test_what_a_silent_device_was_told_is_not_told_again(
    db: Database, own_mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    """Neither when the gateway comes back to the broker, nor when the device does, nor by a new process."""
    async with Proxy(own_mosquitto.port, SystemClock(), seed=1) as proxy:
        url = f"mqtt://127.0.0.1:{proxy.port}"
        gateway = await start_gateway(broker_url=url, client_id="first")
        deaf = Barrier(own_mosquitto.url, client_id="barrier", session_s=3600)
        deaf.silent = True
        async with deaf.obeying(eventually):
            order = await give(db, wanted(ttl_s=60))
            await eventually(partial(has_state, db, order, "published"))
            await eventually(lambda: orders(deaf))
        proxy.reset()
        await eventually(lambda: gateway.link.ready and gateway.link.generation > 1)
        async with Barrier(own_mosquitto.url, client_id="barrier", session_s=3600).obeying(eventually) as back:
            await gateway.stop()
            await start_gateway(broker_url=url, client_id="second")
            last = await give(db, wanted(cause="exit:2", ttl_s=60))
            await eventually(partial(has_state, db, last, "done"))
            assert [told["order"] for told in orders(back)] == [last]
        assert await state_of(db, order) == "published"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_device_that_comes_back_after_the_deadline_finds_nothing_to_obey(
    db: Database,
    own_mosquitto: Mosquitto,
    start_gateway: StartGateway,
    eventually: Eventually,
    protocol: ProtocolVersion,
) -> None:
    """MQTT 5 lets the broker drop it; with 3.1.1 the device reads the deadline."""
    await start_gateway(broker_url=own_mosquitto.url, protocol=protocol)
    async with Barrier(own_mosquitto.url, client_id="barrier", session_s=3600).obeying(eventually):
        pass
    order = await give(db, wanted(ttl_s=1))
    await eventually(partial(has_state, db, order, "published"))
    await eventually(partial(is_over, db, order, by=BROKER_SECONDS))
    async with Barrier(own_mosquitto.url, client_id="barrier", session_s=3600).obeying(eventually) as back:
        last = await give(db, wanted(cause="exit:2"))
        await eventually(partial(has_state, db, last, "done"))
        heard = [told["order"] for told in orders(back)]
        assert heard == ([last] if protocol == "5" else [order, last])
        assert back.equipment.opened["E1"] == 1


async def test_while_the_broker_is_away_an_order_waits_until_its_deadline_and_no_longer(
    db: Database, own_mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    gateway = await start_gateway(broker_url=own_mosquitto.url)
    own_mosquitto.stop()
    await eventually(lambda: not gateway.link.ready)
    over = await give(db, wanted(ttl_s=1))
    waiting = await give(db, wanted(cause="exit:2", ttl_s=120))
    await eventually(partial(is_over, db, over))
    own_mosquitto.start()
    async with Barrier(own_mosquitto.url, client_id="barrier").obeying(eventually) as barrier:
        await eventually(partial(has_state, db, waiting, "done"), within_s=30)
        assert [told["order"] for told in orders(barrier)] == [waiting]
    assert await state_of(db, over) == "pending"


async def test_a_gateway_that_starts_sends_what_nobody_sent(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    device = await start_client("parking/v1/op/+/orders")
    order = await give(db, wanted(ttl_s=60))
    over = await give(db, wanted(cause="exit:2", ttl_s=1))
    await eventually(partial(is_over, db, over))
    await start_gateway()
    await eventually(lambda: orders(device))
    assert [told["order"] for told in orders(device)] == [order]


async def test_what_the_broker_refuses_has_failed_and_whoever_gave_it_is_told(
    db: Database, tmp_path: Path, start_gateway: StartGateway, eventually: Eventually
) -> None:
    """An access list without the orders' topics, as a mistake makes it."""
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write parking/v1/+/+/acks\n", encoding="utf-8")
    acl.chmod(0o644)
    told: list[OrderClosed] = []

    async def hear(_tx: Tx, closed: OrderClosed) -> None:
        told.append(closed)

    with Mosquitto(tmp_path, user=getpass.getuser(), more=f"acl_file {acl}\n") as server:
        await start_gateway(broker_url=server.url, on_order=[hear])
        order = await give(db, wanted())
        await eventually(partial(has_state, db, order, "failed"))
    assert [(closed.order, closed.state, closed.error) for closed in told] == [
        (order, OrderState.FAILED, BROKER_REFUSED)
    ]


async def test_whoever_gave_an_order_hears_of_the_answer_in_its_transaction(
    db: Database, own_mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    told: list[OrderClosed] = []

    async def hear(tx: Tx, closed: OrderClosed) -> None:
        told.append(closed)
        if closed.cause == "exit:1":
            await give_order(tx, wanted("show_text", cause="bye:1", text="再见"))

    await start_gateway(broker_url=own_mosquitto.url, on_order=[hear])
    async with Barrier(own_mosquitto.url, client_id="barrier").obeying(eventually) as barrier:
        first = await give(db, wanted(cause="exit:1"))
        await eventually(lambda: len(told) == 2)
        assert (told[0].order, told[0].state, told[1].cause) == (first, OrderState.DONE, "bye:1")
        assert barrier.equipment.texts == {"E1": "再见"}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_the_embedded_broker_brings_orders_to_devices_of_either_protocol(
    db: Database,
    broker: EmbeddedBroker,
    start_gateway: StartGateway,
    eventually: Eventually,
    protocol: ProtocolVersion,
) -> None:
    await start_gateway()
    url = broker.url_v5 if protocol == "5" else broker.url
    async with Barrier(url, client_id=f"barrier-{protocol}", protocol=protocol).obeying(eventually) as barrier:
        order = await give(db, wanted())
        await eventually(partial(has_state, db, order, "done"))
        assert barrier.equipment.opened["E1"] == 1
