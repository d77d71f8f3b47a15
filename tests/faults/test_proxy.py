"""The proxy's misdeeds, seen from both ends: a fault that does not happen proves nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.processes import LOOPBACK
from kernel.clock import SystemClock
from tests.faults.proxy import Proxy, Trip

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Echo:
    """A server that sends everything back and remembers it."""

    def __init__(self) -> None:
        self.heard = bytearray()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65_536):
                self.heard += chunk
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    yield echo, server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(echo: tuple[Echo, int]) -> AsyncIterator[Proxy]:
    async with Proxy(echo[1], SystemClock(), seed=1) as opened:
        yield opened


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    opened: list[asyncio.StreamWriter] = []

    async def open_one() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        opened.append(writer)
        return reader, writer

    yield open_one
    for writer in opened:
        writer.close()


async def test_passes_everything_on_when_it_behaves(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"hello" * 10_000)
    assert await asyncio.wait_for(reader.readexactly(50_000), 5) == b"hello" * 10_000


async def test_slices_without_losing_a_byte(proxy: Proxy, connect: Connect) -> None:
    proxy.slice_bytes_max = 7
    reader, writer = await connect()
    sent = bytes(range(256)) * 8
    writer.write(sent)
    assert await asyncio.wait_for(reader.readexactly(len(sent)), 5) == sent


async def test_reset_is_felt_as_a_reset(proxy: Proxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"x")
    await reader.readexactly(1)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.readexactly(1), 5)


async def test_cut_is_felt_as_an_end(proxy: Proxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"x")
    await reader.readexactly(1)
    proxy.cut()
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_black_hole_swallows_until_it_is_closed(proxy: Proxy, connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"x")
    await reader.readexactly(1)
    proxy.black_hole(True)
    writer.write(b"y")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer := asyncio.ensure_future(reader.readexactly(1))), 0.1)
    proxy.black_hole(False)
    assert await asyncio.wait_for(answer, 5) == b"y"


@pytest.mark.parametrize("let_through", [True, False])
async def test_trips_before_or_after_the_server_has_heard(
    proxy: Proxy, echo: tuple[Echo, int], connect: Connect, let_through: bool
) -> None:
    reader, writer = await connect()
    proxy.trip = Trip(b"COMMIT", let_through=let_through, times=1)
    writer.write(b"COMMIT")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    assert proxy.trip.done.is_set()
    assert (b"COMMIT" in echo[0].heard) is let_through
