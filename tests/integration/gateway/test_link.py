"""A connection that lasts, against brokers that misbehave."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.echo import DEAF_AFTER_S, ECHO_TIMEOUT_S
from gateway.link import Link
from kernel.clock import ManualClock, SystemClock
from tests.conftest import Eventually
from tests.faults.proxy import Proxy
from tests.integration.gateway.conftest import Client, StartClient, StartGateway
from tests.mosquitto import Mosquitto

CONNACK = {"3.1.1": b"\x20\x02\x00\x00", "5": b"\x20\x03\x00\x00\x00"}


class ScriptedBroker:
    """Answers CONNECT and SUBSCRIBE as told, pings always, and nothing else. Counts its connections."""

    def __init__(self, protocol: ProtocolVersion, subscribed: int) -> None:
        self.connections = 0
        self.heard = bytearray()
        self._connack = CONNACK[protocol]
        self._subscribed = subscribed
        self._mqtt5 = protocol == "5"
        self._lines: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._lines.add(writer)
        try:
            while True:
                command, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                self.heard.append(command & 0xF0)
                match command & 0xF0:
                    case 0x10:
                        writer.write(self._connack)
                    case 0x80:
                        properties = b"\0" if self._mqtt5 else b""
                        answer = body[:2] + properties + bytes([self._subscribed])
                        writer.write(struct.pack("!BB", 0x90, len(answer)) + answer)
                    case 0xC0:
                        writer.write(b"\xd0\x00")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            self._lines.discard(writer)

    def close(self) -> None:
        for line in self._lines:
            line.close()


@asynccontextmanager
async def scripted(protocol: ProtocolVersion, *, subscribed: int) -> AsyncIterator[tuple[ScriptedBroker, str]]:
    broker = ScriptedBroker(protocol, subscribed)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    try:
        yield broker, f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        broker.close()


@asynccontextmanager
async def running(link: Link) -> AsyncIterator[Link]:
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        await link.stop()
        await task


def link_to(
    url: str, protocol: ProtocolVersion, clock: SystemClock | ManualClock, echo_topic: str | None = None
) -> Link:
    session = Session("gateway", ("parking/v1/+/+/+",), protocol, expiry_s=60)
    return Link(BrokerAddress.of(url), session, clock, on_message=lambda _message: True, echo_topic=echo_topic)


@pytest.mark.parametrize(("protocol", "code"), [("5", 0x87), ("3.1.1", 0x80)])
async def test_a_refused_subscription_is_not_readiness_and_is_tried_again(
    protocol: ProtocolVersion, code: int, eventually: Eventually
) -> None:
    async with (
        scripted(protocol, subscribed=code) as (broker, url),
        running(link_to(url, protocol, SystemClock())) as link,
    ):
        await eventually(lambda: broker.connections >= 3)
        assert not link.ready


async def test_a_broker_that_answers_pings_but_delivers_nothing_is_left(
    eventually: Eventually, clock: ManualClock
) -> None:
    echo = "parking/v1/gateway/gateway/echo"
    async with scripted("5", subscribed=1) as (broker, url), running(link_to(url, "5", clock, echo)) as link:
        await eventually(lambda: link.ready)
        for _ in range(int(DEAF_AFTER_S + ECHO_TIMEOUT_S) + 2):
            clock.advance(1)
            await settle(eventually)
        assert 0x30 in broker.heard

        def connected_again() -> bool:
            clock.advance(1)
            return broker.connections >= 2

        await eventually(connected_again)


async def settle(eventually: Eventually) -> None:
    """Let everyone who was woken act."""
    turns = iter((False, False, True))
    await eventually(lambda: next(turns))


async def test_an_echo_keeps_a_quiet_connection(
    mosquitto: Mosquitto, eventually: Eventually, clock: ManualClock
) -> None:
    link = link_to(mosquitto.url, "5", clock, "parking/v1/gateway/gateway/echo")
    async with running(link):
        await eventually(lambda: link.ready)
        for _ in range(int(DEAF_AFTER_S + ECHO_TIMEOUT_S) * 2):
            clock.advance(1)
            await settle(eventually)
        assert (link.ready, link.generation) == (True, 1)


async def test_fifty_clients_come_back_after_the_broker_threw_them_all_out(
    mosquitto: Mosquitto, start_client: StartClient, eventually: Eventually
) -> None:
    async with Proxy(mosquitto.port, SystemClock(), seed=7) as proxy:
        url = f"mqtt://127.0.0.1:{proxy.port}"
        clients = [await start_client(f"storm/{number}", url=url, client_id=f"storm-{number}") for number in range(50)]
        for _ in range(3):
            proxy.reset()
            await eventually(lambda: not all(client.link.ready for client in clients))
            await eventually(lambda: all(client.link.ready for client in clients), within_s=20)
        hears(clients)
        await eventually(lambda: all(client.heard for client in clients))


def hears(clients: list[Client]) -> None:
    for number, client in enumerate(clients):
        client.link.publish(f"storm/{number}", b"back")


async def test_what_was_published_while_the_broker_was_away_is_sent_when_it_is_back(
    mosquitto: Mosquitto, start_client: StartClient, eventually: Eventually
) -> None:
    async with Proxy(mosquitto.port, SystemClock(), seed=3) as proxy:
        listener = await start_client("out/#", url=mosquitto.url, client_id="listener")
        speaker = await start_client(url=f"mqtt://127.0.0.1:{proxy.port}", client_id="speaker")
        proxy.refuse = True
        proxy.reset()
        await eventually(lambda: not speaker.link.ready)
        for number in range(100):
            speaker.link.publish_latest("out/latest", make(number))
            speaker.link.publish("out/each", b"%d" % number)
        proxy.refuse = False
        await eventually(lambda: len(listener.heard) == 101)
        assert [heard.payload for heard in listener.heard if heard.topic == "out/each"] == [
            b"%d" % number for number in range(100)
        ]
        assert [heard.payload for heard in listener.heard if heard.topic == "out/latest"] == [b"99"]


def make(number: int) -> Callable[[], bytes]:
    return lambda: b"%d" % number


async def test_of_two_gateways_of_one_name_one_works_and_one_waits(
    mosquitto: Mosquitto, start_gateway: StartGateway, eventually: Eventually
) -> None:
    first = await start_gateway(broker_url=mosquitto.url, client_id="twin")
    second = await start_gateway(broker_url=mosquitto.url, client_id="twin")
    assert (first.link.ready, second.link.ready, second.ready) == (True, False, True)
    await first.stop()
    await eventually(lambda: second.link.ready)
    assert (first.link.connects, second.link.connects) == (1, 1)
