"""Server-sent events over a real socket: what a reader sees, and how a stream ends."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import web

from kernel import sse as module
from kernel.addresses import LOCAL_NETWORKS, Proxies
from kernel.clock import ManualClock
from kernel.http import operation
from kernel.sse import STREAMS, encode_event, sse
from kernel.webserver import WebOptions
from tests.conftest import Eventually
from tests.integration.kernel.conftest import Serve, Site


class TicksApi:
    """Sends what is put into `queue`; notes how each stream began and ended."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.began: list[str | None] = []
        self.ended = 0
        self.app: web.Application | None = None

    @operation(get="/v1/ticks", summary="Ticks", responses={200: "text/event-stream"})
    async def ticks(self, request: web.Request, last_event_id: str | None = None) -> web.StreamResponse:
        self.app = request.app
        async with sse(request) as stream:
            self.began.append(stream.last_event_id)
            while True:
                await stream.send(event="tick", id="7-1", data=await self.queue.get())
        self.ended += 1
        return stream.response


@pytest.fixture
def api() -> TicksApi:
    return TicksApi()


@pytest.fixture
async def site(serve: Serve, api: TicksApi) -> Site:
    return await serve(api)


def test_an_event_with_several_lines() -> None:
    assert encode_event(data=b"a\nb", event="e", id="1") == b"event: e\nid: 1\ndata: a\ndata: b\n\n"


async def test_a_reader_gets_retry_and_events(site: Site, api: TicksApi) -> None:
    await api.queue.put(b"one")
    headers = {"Last-Event-ID": "6-9", "Accept": "text/event-stream"}
    async with site.client.get("/v1/ticks", headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Request-Id"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert await answer.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        assert await answer.content.readuntil(b"\n\n") == b"event: tick\nid: 7-1\ndata: one\n\n"
    assert api.began == ["6-9"]


async def test_a_silent_stream_says_that_it_lives(site: Site, api: TicksApi, clock: ManualClock) -> None:
    async with site.client.get("/v1/ticks") as answer:
        await answer.content.readuntil(b"\n\n")
        clock.advance(module.HEARTBEAT_S)
        assert await answer.content.readuntil(b"\n\n") == b": \n\n"


async def test_when_the_reader_has_gone_the_stream_ends(
    site: Site, api: TicksApi, clock: ManualClock, eventually: Eventually
) -> None:
    answer = await site.client.get("/v1/ticks")
    await answer.content.readuntil(b"\n\n")
    assert api.app is not None
    assert len(api.app[STREAMS]) == 1
    answer.close()

    def ended() -> bool:
        clock.advance(module.HEARTBEAT_S)
        return api.ended == 1

    await eventually(ended)
    assert len(api.app[STREAMS]) == 0


async def test_when_the_server_stops_streams_end_cleanly(site: Site, api: TicksApi) -> None:
    async with site.client.get("/v1/ticks") as answer:
        await answer.content.readuntil(b"\n\n")
        async with asyncio.timeout(3):
            await site.server.stop()
            assert await answer.content.read() == b""
    assert api.ended == 1


async def test_a_reader_who_does_not_read_is_cut_off(
    site: Site, api: TicksApi, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_S_MAX", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
    writer.write(b"GET /v1/ticks HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readline()
    for _ in range(200):
        await api.queue.put(b"x" * 100_000)
    await eventually(lambda: api.ended == 1)
    writer.close()


async def test_streams_are_bounded(serve: Serve, api: TicksApi) -> None:
    site = await serve(api, options=WebOptions(streams_max=1))
    async with site.client.get("/v1/ticks") as answer:
        await answer.content.readuntil(b"\n\n")
        async with site.client.get("/v1/ticks") as refused:
            assert (refused.status, (await refused.json())["code"]) == (503, "too-many-streams")


async def test_nobody_takes_every_stream(
    serve: Serve, api: TicksApi, clock: ManualClock, eventually: Eventually
) -> None:
    options = WebOptions(streams_per_address_max=2, proxies=Proxies(LOCAL_NETWORKS))
    site = await serve(api, options=options)

    async with contextlib.AsyncExitStack() as open_streams:

        async def follow(address: str) -> aiohttp.ClientResponse:
            asked = site.client.get("/v1/ticks", headers={"X-Forwarded-For": address})
            return await open_streams.enter_async_context(asked)

        greedy = [await follow("198.51.100.7") for _ in range(3)]
        assert [answer.status for answer in greedy] == [200, 200, 429]
        problem = await greedy[2].json()
        assert (problem["code"], problem["limit"]) == ("too-many-streams-from-address", 2)
        assert greedy[2].headers["Retry-After"] == "5"
        assert (await follow("198.51.100.8")).status == 200
        greedy[0].close()

        async def room() -> bool:
            clock.advance(module.HEARTBEAT_S)
            return (await follow("198.51.100.7")).status == 200

        await eventually(room)


async def test_the_machine_itself_is_not_counted_as_one_reader(serve: Serve, api: TicksApi) -> None:
    site = await serve(api, options=WebOptions(streams_per_address_max=1))
    async with contextlib.AsyncExitStack() as open_streams:
        answers = [await open_streams.enter_async_context(site.client.get("/v1/ticks")) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 200]


async def test_a_stream_has_no_head(site: Site) -> None:
    async with site.client.head("/v1/ticks") as answer:
        assert answer.status == 405
