"""Server-sent events on aiohttp: one stream to one reader, who may be slow, dead or behind.

    async with sse(request) as stream:
        await stream.send(event="delta", id="7-12", data=body)
    return stream.response

The block ends quietly when the reader has gone or the server stops, whatever it was waiting for. A reader who does not
take a write within `SEND_S_MAX` is cut off: he comes back with Last-Event-ID, and nobody's memory grows meanwhile. When
nothing is sent, a comment every `HEARTBEAT_S` keeps proxies from closing the stream and finds dead peers.
"""

import asyncio
import socket
from collections import Counter
from types import TracebackType

from aiohttp import web

from kernel.access_problems import TooManyStreams, TooManyStreamsFromAddress
from kernel.addresses import Proxies
from kernel.clock import Clock

HEARTBEAT_S = 10.0
"""Below the 15 to 60 s after which proxies and phones drop a silent connection."""
SEND_S_MAX = 10.0
"""A reader who cannot take one write in this time is not following a live picture."""
RETRY_MS = 2_000
"""What a browser waits before it reconnects."""
STREAMS_MAX = 4_000
"""A stream costs a socket and some 50 kB; above this a process would run out of descriptors before it says so."""
STREAMS_PER_ADDRESS_MAX = 400
"""A tenth: a carrier's NAT and an office's walls are many readers at one address, but nobody takes everything."""
UNACKNOWLEDGED_MS_MAX = 30_000
"""TCP_USER_TIMEOUT: the kernel gives a peer up when nothing was acknowledged for this long (a pulled cable)."""
EVENT_ID_CHARACTERS_MAX = 128

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back to fill a buffer
}


_LATER = {"Retry-After": "5"}


class ReaderGone(ConnectionError):
    """Whoever read this stream is not there any more, or too slow to matter."""


class Streams:
    """The open streams of a process: bounded, in all and for each address, and ended together when the server stops."""

    def __init__(self, proxies: Proxies, *, streams_max: int, per_address_max: int) -> None:
        self._proxies = proxies
        self._streams_max = streams_max
        self._per_address_max = per_address_max
        self._open: dict[EventStream, str | None] = {}
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: "EventStream", request: web.Request) -> None:
        """Count `stream`, which answers `request`. Raises TooManyStreams, TooManyStreamsFromAddress."""
        if len(self._open) >= self._streams_max:
            raise TooManyStreams(headers=_LATER)
        address = self._proxies.counted(request)
        if address is not None:
            if self._of[address] >= self._per_address_max:
                raise TooManyStreamsFromAddress(
                    f"{self._per_address_max} are open from here already", headers=_LATER, limit=self._per_address_max
                )
            self._of[address] += 1
        self._open[stream] = address

    def discard(self, stream: "EventStream") -> None:
        address = self._open.pop(stream, None)
        if address is not None:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]

    def end(self) -> None:
        """End every stream; their readers reconnect to whoever serves next."""
        for stream in list(self._open):
            stream.end()


CLOCK: web.AppKey[Clock] = web.AppKey("clock", Clock)
STREAMS: web.AppKey[Streams] = web.AppKey("streams", Streams)


class EventStream:
    """The writing end of one stream; an asynchronous context manager, made by `sse`."""

    def __init__(self, request: web.Request, clock: Clock, streams: Streams, *, heartbeat_s: float) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        """What the operation returns when the block has ended."""
        given = request.headers.get("Last-Event-ID", request.query.get("last_event_id"))
        self.last_event_id = given if given and len(given) <= EVENT_ID_CHARACTERS_MAX else None
        """Where the reader left off, None for a new one (or for what cannot be an id of ours)."""
        self._request = request
        self._clock = clock
        self._streams = streams
        self._heartbeat_s = heartbeat_s
        self._sending = asyncio.Lock()
        self._sent = 0
        self._ended = False
        self._owner: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "EventStream":
        self._streams.add(self, self._request)
        try:
            await self.response.prepare(self._request)
            self._give_up_on_silence()
            await self.write(b"retry: %d\n\n" % RETRY_MS)
        except BaseException:
            self._streams.discard(self)
            raise
        self._owner = asyncio.current_task()
        self._watcher = asyncio.create_task(self._watch(), name="sse watcher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._streams.discard(self)
        owner, self._owner = self._owner, None
        try:
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.wait({self._watcher})
        except asyncio.CancelledError as late:
            error = late
        if self._ended and isinstance(error, asyncio.CancelledError) and owner is not None:
            if owner.uncancel() == 0:
                return True  # our own cancellation ends here; one from outside goes on
            raise error
        return isinstance(error, ReaderGone)

    async def send(self, *, data: bytes, event: str | None = None, id: str | None = None) -> None:  # noqa: A002
        """Send one event; `data` is UTF-8 and may have lines. Raises ReaderGone, which ends the block quietly."""
        await self.write(encode_event(data=data, event=event, id=id))

    async def write(self, raw: bytes) -> None:
        """Send what `encode_event` made: an event encoded once goes to many readers. Raises ReaderGone."""
        self._sent += 1
        async with self._sending:
            try:
                async with asyncio.timeout(SEND_S_MAX):
                    await self.response.write(raw)
            except TimeoutError:
                self._cut()
                raise ReaderGone("the reader is too slow") from None
            except (ConnectionError, RuntimeError) as gone:
                raise ReaderGone(str(gone)) from None

    def end(self) -> None:
        """End the block of this stream from outside it."""
        if self._owner is not None and not self._ended:
            self._ended = True
            self._owner.cancel()

    async def _watch(self) -> None:
        """Until the reader has gone: a comment whenever nothing was sent for a heartbeat."""
        try:
            while True:
                before = self._sent
                await self._clock.sleep(self._heartbeat_s)
                transport = self._request.transport
                if transport is None or transport.is_closing():
                    break
                if self._sent == before:
                    await self.write(b": \n\n")
        except ReaderGone:
            pass
        self.end()

    def _give_up_on_silence(self) -> None:
        transport = self._request.transport
        tcp = None if transport is None else transport.get_extra_info("socket")
        if tcp is not None and tcp.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_USER_TIMEOUT"):
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX)

    def _cut(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()


def encode_event(*, data: bytes, event: str | None = None, id: str | None = None) -> bytes:  # noqa: A002
    """One event as it goes over the wire; `event` and `id` hold no line breaks."""
    head = b"" if event is None else b"event: " + event.encode() + b"\n"
    head += b"" if id is None else b"id: " + id.encode() + b"\n"
    return head + b"".join(b"data: " + line + b"\n" for line in data.split(b"\n")) + b"\n"


def sse(request: web.Request, *, heartbeat_s: float = HEARTBEAT_S) -> EventStream:
    """The stream that answers `request`; entering it raises TooManyStreams(FromAddress) before anything is sent."""
    app = request.app
    return EventStream(request, app[CLOCK], app[STREAMS], heartbeat_s=heartbeat_s)
