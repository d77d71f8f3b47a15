"""Ears on a broker of their own, since these tests leave retained words: what an operator's backend would hear."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from app.embedded import EmbeddedBroker
from kernel.clock import SystemClock
from simulators.wire_client import WireClient


@pytest.fixture(scope="package")
def broker() -> Iterator[EmbeddedBroker]:
    """An embedded broker that nobody else listens to."""
    with EmbeddedBroker() as server:
        yield server


class Ears:
    """Everything heard on some topics, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._more = asyncio.Event()
        self.client: WireClient | None = None

    def hear(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload))
        self._more.set()

    async def heard_more(self) -> None:
        """Return when something more is heard."""
        self._more.clear()
        await asyncio.wait_for(self._more.wait(), 2)

    def on(self, topic: str) -> list[bytes]:
        """The payloads heard on `topic`."""
        return [payload for heard, payload in self.heard if heard == topic]

    async def caught_up(self, topic: str) -> None:
        """Return once a word of our own on `topic`, which our filter covers, came back: so has everything before it."""
        await self.say(topic, b"caught up?")
        while not self.on(topic):
            await self.heard_more()

    async def say(self, topic: str, payload: bytes) -> None:
        """Speak as the backend does."""
        assert self.client is not None
        await self.client.publish(topic, payload)


Listen = Callable[..., Awaitable[Ears]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """`await listen(url, *filters)`: ears that are subscribed when it returns."""
    opened: list[WireClient] = []

    async def open_ears(url: str, *filters: str) -> Ears:
        ears = Ears()
        probe = f"test/ears/{len(opened)}"
        client = WireClient(
            url, SystemClock(), client_id=f"ears-{len(opened)}-{id(ears)}", filters=[*filters, probe], hear=ears.hear
        )
        ears.client = client
        opened.append(client)
        await client.open()
        while not ears.on(probe):
            await client.publish(probe, b"?")
            with contextlib.suppress(TimeoutError):
                await ears.heard_more()
        return ears

    yield open_ears
    for client in opened:
        await client.close()
