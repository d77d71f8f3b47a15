"""A TCP proxy on loopback that is as bad as a network can be, on command and by a seed.

It stands between the gateway and its broker or its database. `cut` closes politely, `reset` sends RST, `black_hole`
leaves every connection open and lets nothing through (a half-open line), `refuse` lets nobody in, `latency_s` delays,
`slice_bytes_max` chops what passes into small pieces. `trip_on` ends a connection at a chosen moment of its protocol.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from kernel.clock import Clock


@dataclass
class Trip:
    """Reset a connection when its client sends `pattern` after more than `after_bytes` since the last one.

    With `let_through` the server gets the pattern and answers, and only the answer is lost; otherwise the server never
    hears of it. `times` connections are ended in all; `done` is set with the last one. `act` is called at the very
    moment: the server has answered, or will never hear, and the client knows of neither.
    """

    pattern: bytes
    let_through: bool
    times: int
    after_bytes: int = 0
    act: Callable[[], object] = lambda: None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def spend(self) -> None:
        self.times -= 1

    def tell(self) -> None:
        self.act()
        if self.times <= 0:
            self.done.set()


class Proxy:
    """Forwards connections from `port` to the target until told to misbehave."""

    def __init__(self, target_port: int, clock: Clock, *, seed: int, port: int = 0) -> None:
        self._target_port, self._clock = target_port, clock
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self.port = port
        self.latency_s = 0.0
        self.slice_bytes_max: int | None = None
        self.trip: Trip | None = None
        self.refuse = False
        self.accepted = 0
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        await asyncio.gather(*(line.over.wait() for line in self._lines))
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection politely, with what was under way."""
        for line in self._lines:
            line.end(reset=False)

    def reset(self) -> None:
        """End every connection by RST: what is in the buffers is lost."""
        for line in self._lines:
            line.end(reset=True)

    def black_hole(self, on: bool) -> None:
        """Nothing gets through any more and nobody is told; new connections are accepted into silence."""
        if on:
            self._open.clear()
        else:
            self._open.set()

    @property
    def lines(self) -> int:
        """Connections that are open now."""
        return len(self._lines)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        line = _Line(writer)
        self._lines.add(line)
        try:
            if self.refuse:
                return
            await self._open.wait()
            target_reader, line.target = await asyncio.open_connection(LOOPBACK, self._target_port, limit=1 << 20)
            async with asyncio.TaskGroup() as group:
                line.tasks = [
                    group.create_task(self._forward_up(line, reader, line.target)),
                    group.create_task(self._forward_down(line, target_reader, writer)),
                ]
        except* (OSError, _Ended):
            pass
        finally:
            line.close()
            self._lines.discard(line)
            line.over.set()

    async def _forward_up(self, line: "_Line", source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        since_pattern = 0
        while chunk := await source.read(65_536):
            trip = self.trip
            if trip is not None and trip.times > 0 and trip.pattern in chunk:
                if since_pattern + len(chunk) > trip.after_bytes:
                    trip.spend()
                    line.mute = True
                    if trip.let_through:
                        sink.write(chunk)
                        await sink.drain()
                        await line.answered.wait()
                    trip.tell()
                    line.end(reset=True)
                    raise _Ended
                since_pattern = 0
            else:
                since_pattern += len(chunk)
            await self._pass(sink, chunk)
        raise _Ended

    async def _forward_down(self, line: "_Line", source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            if line.mute:
                line.answered.set()
                continue
            await self._pass(sink, chunk)
        line.answered.set()
        raise _Ended

    async def _pass(self, sink: asyncio.StreamWriter, chunk: bytes) -> None:
        if self.latency_s:
            await self._clock.sleep(self.latency_s)
        await self._open.wait()
        if self.slice_bytes_max is None:
            sink.write(chunk)
            await sink.drain()
            return
        start = 0
        while start < len(chunk):
            length = self._random.randint(1, self.slice_bytes_max)
            sink.write(chunk[start : start + length])
            await sink.drain()
            await self._clock.sleep(0)
            start += length


class _Ended(Exception):
    """One side of a line is over, so the other one ends as well."""


class _Line:
    """One connection through the proxy, both of its sides."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.target: asyncio.StreamWriter | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.mute = False
        self.answered = asyncio.Event()
        self.over = asyncio.Event()

    def end(self, *, reset: bool) -> None:
        for writer in (self.client, self.target):
            if writer is None:
                continue
            if reset:
                _abort(writer)
            else:
                writer.close()

    def close(self) -> None:
        for writer in (self.client, self.target):
            if writer is not None:
                writer.close()


def by_proxy(server: EmbeddedPostgres, database_url: str, proxy: Proxy) -> str:
    """The database's loopback address with the proxy's port in it."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    return server.public_url(name).replace(f":{server.port}/", f":{proxy.port}/")


def _abort(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
