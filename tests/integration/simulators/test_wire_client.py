"""The publisher on real brokers: bounded in flight, acknowledged, back by itself, its will done."""

import asyncio
import socket
from pathlib import Path

import pytest

from app.embedded import EmbeddedBroker
from kernel.clock import SystemClock
from simulators.ledger import Ledger, read_ledger
from simulators.wire_client import BrokerSilent, MqttVersion, Will, WireClient
from tests.conftest import Eventually
from tests.integration.simulators.conftest import Listen
from tests.mosquitto import Mosquitto


async def test_everything_arrives_in_order_with_few_in_flight(
    broker: EmbeddedBroker, listen: Listen, eventually: Eventually, tmp_path: Path
) -> None:
    ears = await listen(broker.url, "test/order")
    with Ledger(tmp_path / "ledger") as ledger:
        client = WireClient(broker.url, SystemClock(), client_id="order", in_flight_max=5, ledger=ledger)
        await client.open()
        for number in range(300):
            await client.publish("test/order", b'{"n":%d}' % number)
        await client.acknowledged()
        await client.close()
    await eventually(lambda: len(ears.on("test/order")) == 300)
    assert ears.on("test/order") == [b'{"n":%d}' % number for number in range(300)]
    book = read_ledger(tmp_path / "ledger")
    assert len(book) == 300
    assert all(entry.acknowledged for entry in book)


@pytest.mark.parametrize("mqtt_version", ["3.1.1", "5"])
async def test_it_comes_back_after_a_cut_and_nothing_published_meanwhile_is_lost(
    broker: EmbeddedBroker, listen: Listen, eventually: Eventually, mqtt_version: MqttVersion
) -> None:
    ears = await listen(broker.url, "test/cut")
    url = broker.url_v5 if mqtt_version == "5" else broker.url
    client = WireClient(url, SystemClock(), client_id=f"cut-{mqtt_version}", mqtt_version=mqtt_version)
    await client.open()
    await client.publish("test/cut", b"before")
    client.cut()
    for number in range(20):
        await client.publish("test/cut", b"%d" % number)
    await client.acknowledged()
    assert client.connections == 2
    await eventually(lambda: {b"before", *(b"%d" % number for number in range(20))} <= set(ears.on("test/cut")))
    await client.close()


@pytest.mark.parametrize("mqtt_version", ["3.1.1", "5"])
async def test_it_waits_out_a_broker_that_restarts(mosquitto: Mosquitto, mqtt_version: MqttVersion) -> None:
    client = WireClient(
        mosquitto.url,
        SystemClock(),
        client_id=f"patient-{mqtt_version}",
        in_flight_max=3,
        mqtt_version=mqtt_version,
    )
    await client.open()
    mosquitto.stop()
    publishing = asyncio.create_task(_publish_many(client, 10))
    mosquitto.start()
    await asyncio.wait_for(publishing, 30)
    assert client.connections == 2
    await client.close()


async def test_the_will_is_done_when_the_connection_dies_and_not_at_a_goodbye(
    mosquitto: Mosquitto, listen: Listen, eventually: Eventually
) -> None:
    ears = await listen(mosquitto.url, "test/will/#")
    cut = WireClient(mosquitto.url, SystemClock(), client_id="w1", will=Will("test/will/cut", b"gone"))
    polite = WireClient(mosquitto.url, SystemClock(), client_id="w2", will=Will("test/will/polite", b"gone"))
    await cut.open()
    await polite.open()
    await polite.close()
    cut.cut()
    await eventually(lambda: ears.on("test/will/cut"))
    assert ears.on("test/will/polite") == []
    await cut.close()


async def test_mqtt_5_is_spoken_too(broker: EmbeddedBroker, listen: Listen, eventually: Eventually) -> None:
    ears = await listen(broker.url, "test/five")
    client = WireClient(broker.url_v5, SystemClock(), client_id="five", mqtt_version="5")
    await client.open()
    await client.publish("test/five", b"5")
    await client.acknowledged()
    await client.close()
    await eventually(lambda: ears.on("test/five") == [b"5"])


async def test_a_broker_that_lets_nobody_in_is_told_after_a_while() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        port = deaf.getsockname()[1]
        client = WireClient(f"mqtt://127.0.0.1:{port}", SystemClock(), client_id="unheard")
        with pytest.raises(BrokerSilent, match=f"127.0.0.1:{port} lets nobody in; tried for 0.5 s"):
            await client.open(within_s=0.5)
        await client.close()


@pytest.mark.parametrize("url", ["http://localhost", "mqtt://", "localhost:1883"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an MQTT address"):
        WireClient(url, SystemClock(), client_id="x")


async def _publish_many(client: WireClient, count: int) -> None:
    for number in range(count):
        await client.publish("test/patient", b"%d" % number)
    await client.acknowledged()
