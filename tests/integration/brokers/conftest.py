"""A real Mosquitto as `deploy/mosquitto` sets it up, and clients of it."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.connection import BrokerAway, Connection
from tests.conftest import Eventually
from tests.integration.brokers.secured import SecuredMosquitto
from tests.integration.gateway.conftest import Client

Sent = Callable[..., Awaitable[None]]


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[SecuredMosquitto]:
    broker = SecuredMosquitto(tmp_path, user=getpass.getuser())
    for user in ("berth-gateway", "berth-api", "network-server", "guest", "op-a", "op-b", "a1b2-c3d4"):
        broker.add_user(user)
    broker.start()
    yield broker
    broker.stop()


class Connect(Protocol):
    """A connected client of the secured broker; what it hears is in `heard`."""

    async def __call__(self, user: str, *filters: str, protocol: ProtocolVersion = "5") -> Client: ...


@pytest.fixture
async def connect(secured: SecuredMosquitto, eventually: Eventually) -> AsyncIterator[Connect]:
    running: list[tuple[Client, asyncio.Task[None]]] = []

    async def start(user: str, *filters: str, protocol: ProtocolVersion = "5") -> Client:
        client = Client(
            secured.url(user),
            *filters,
            protocol=protocol,
            client_id=f"{user}-{len(running)}",
            ca_file=secured.ca_file,
        )
        running.append((client, asyncio.create_task(client.link.run())))
        await eventually(lambda: client.link.ready)
        return client

    yield start
    for client, task in running:
        await client.link.stop()
        await task


def topics(client: Client) -> list[str]:
    return [message.topic for message in client.heard]


@pytest.fixture
def sent(eventually: Eventually) -> Sent:
    """Publishes on topics and returns with the broker's answer to all of them."""

    async def say(client: Client, *said: str) -> None:
        for topic in said:
            client.link.publish(topic, b"{}")
        await eventually(lambda: client.link.unconfirmed == 0)

    return say


async def connected(session: Session, url: str) -> Connection:
    connection = Connection(session, on_message=lambda _fed: True, on_published=lambda *_: None)
    await connection.connect(BrokerAddress.of(url))
    await connection.subscribe(BrokerAddress.of(url), session.filters)
    return connection


async def refuses(session: Session, url: str) -> bool:
    try:
        await (await connected(session, url)).close()
    except BrokerAway:
        return True
    return False
