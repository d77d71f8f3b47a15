"""A message that wounds the embedded broker: `berth up` finds out, starts it again, and the city goes on."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.broker_watch import lets_in
from app.readiness import is_ready
from contracts.wire import PUBLIC_PREFIX
from kernel.clock import SystemClock
from simulators.wire_client import WireClient
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity

BACK_S_MAX = 15.0


@contextmanager
def client(url: str, protocol: MQTTProtocolVersion, name: str) -> Iterator[Client]:
    """A stranger's client, as paho makes it: it comes back by itself under the same name."""
    made = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol)
    subscribed = threading.Event()
    made.on_connect = lambda who, *_: who.subscribe("poison/#", 1)
    made.on_subscribe = lambda *_: subscribed.set()
    address = urlsplit(url)
    assert address.hostname is not None
    made.connect(address.hostname, address.port or 1883)
    made.loop_start()
    assert subscribed.wait(10)
    yield made
    made.loop_stop()
    made.disconnect()


async def test_a_3_1_1_client_is_let_in_again_and_the_city_goes_on(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city("--demo", "--car-parks", "5")
    port = urlsplit(city.ready.mqtt).port
    port_v5 = urlsplit(city.ready.mqtt_v5).port
    assert port is not None
    assert port_v5 is not None
    before = city.child(str(port), str(port_v5))
    expiring = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho left it untyped
    expiring.MessageExpiryInterval = 60
    with (
        client(city.ready.mqtt, MQTTProtocolVersion.MQTTv311, "victim"),
        client(city.ready.mqtt_v5, MQTTProtocolVersion.MQTTv5, "poisoner") as poisoner,
    ):
        poisoner.publish("poison/a", b"x", 1, properties=expiring)
        await eventually(lambda: not before.is_running(), within_s=BACK_S_MAX)
        await eventually(lambda: lets_in(port, "3.1.1", "afterwards"), within_s=BACK_S_MAX)
        assert await lets_in(port_v5, "5", "afterwards")
    assert "lets nobody in any more" in city.log.read_text()

    heard = asyncio.Event()
    witness = WireClient(
        city.ready.mqtt,
        SystemClock(),
        client_id="witness",
        filters=["parking/v1/+/+/spaces"],
        hear=lambda *_: heard.set(),
    )
    await witness.open(within_s=BACK_S_MAX)
    await asyncio.wait_for(heard.wait(), 30)
    retained = asyncio.Event()
    late = WireClient(
        city.ready.mqtt, SystemClock(), client_id="late", filters=[f"{PUBLIC_PREFIX}/+"], hear=lambda *_: retained.set()
    )
    await late.open()
    await asyncio.wait_for(retained.wait(), 10)
    await witness.close()
    await late.close()
    await eventually(lambda: is_ready(city.ready.http))
