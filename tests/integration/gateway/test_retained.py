"""A whole city lies retained on the public topics: who gets to hear all of it, on the brokers we name in the README."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.embedded import EmbeddedBroker
from gateway.address import ProtocolVersion
from gateway.service import public_listener
from kernel.clock import SystemClock
from tests.conftest import Eventually
from tests.integration.gateway.conftest import StartClient
from tests.mosquitto import Mosquitto

CITY = {f"parking/v1/public/retained-{number:03}" for number in range(608)}
STORED_S_MAX = 60.0
"""The tests' Mosquitto writes its whole store to disk with every change: a busy disk takes its time for 608."""

Listen = Callable[[str, ProtocolVersion], Awaitable[set[str]]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """What the API's own listener hears, as a set that grows."""
    stop: list[Callable[[], Awaitable[None]]] = []
    running: list[asyncio.Task[None]] = []

    async def start(url: str, protocol: ProtocolVersion) -> set[str]:
        heard: set[str] = set()
        name = f"listener-{len(running)}"
        link = public_listener(
            url, SystemClock(), lambda topic, _payload: heard.add(topic), client_id=name, protocol=protocol
        )
        running.append(asyncio.create_task(link.run()))
        stop.append(link.stop)
        return heard

    yield start
    for end in stop:
        await end()
    await asyncio.gather(*running)


async def retain_city(start_client: StartClient, url: str, eventually: Eventually, *, payload: bytes = b"{}") -> None:
    """Put something on every public topic (b"" takes it away again) and wait until the broker has it all."""
    speaker = await start_client("parking/v1/public/+", url=url, client_id=f"speaker-{len(payload)}")
    for topic in sorted(CITY):
        speaker.link.publish_latest(topic, lambda: payload)
    await eventually(
        lambda: {message.topic for message in speaker.heard if message.payload == payload} >= CITY,
        within_s=STORED_S_MAX,
    )


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_the_api_hears_the_whole_city_on_the_embedded_broker(
    protocol: ProtocolVersion,
    broker: EmbeddedBroker,
    start_client: StartClient,
    listen: Listen,
    eventually: Eventually,
) -> None:
    await retain_city(start_client, broker.url_v5, eventually)
    heard = await listen(broker.url_v5 if protocol == "5" else broker.url, protocol)
    await eventually(lambda: heard >= CITY)
    await retain_city(start_client, broker.url_v5, eventually, payload=b"")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_mosquitto_gives_the_whole_city_at_qos_1_and_at_qos_0(
    protocol: ProtocolVersion,
    mosquitto: Mosquitto,
    start_client: StartClient,
    listen: Listen,
    eventually: Eventually,
) -> None:
    await retain_city(start_client, mosquitto.url, eventually)
    heard = await listen(mosquitto.url, protocol)
    third_party = await start_client("parking/v1/public/+", url=mosquitto.url, protocol=protocol, client_id="third")
    await eventually(lambda: heard >= CITY)
    await eventually(lambda: {message.topic for message in third_party.heard} >= CITY)
    assert {(message.qos, message.retain) for message in third_party.heard if message.topic in CITY} == {(1, True)}
    await retain_city(start_client, mosquitto.url, eventually, payload=b"")
