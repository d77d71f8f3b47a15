"""Signed requests over a real socket: what costs us nothing is refused before what would."""

import asyncio

from kernel.addresses import LOCAL_NETWORKS, Proxies
from kernel.callers import INGEST_SCOPE
from kernel.clock import ManualClock
from kernel.http import NoContent, SignedRequest, operation
from kernel.webserver import WebOptions
from tests.integration.kernel.conftest import Serve, Site


class HearingApi:
    @operation(post="/v1/heard", summary="Hear", scopes={INGEST_SCOPE}, responses={204: None})
    async def hear(self, signed: SignedRequest) -> NoContent:
        return NoContent()


async def refusal_of_head(site: Site, clock: ManualClock) -> int:
    """The status that follows the head of a request under a key that nobody has; of its body nothing is ever sent."""
    head = (
        "POST /v1/heard HTTP/1.1",
        "Host: x",
        "X-Forwarded-For: 198.51.100.1",
        "X-Key: 0199f3c2a1b4d5e6",
        f"X-Timestamp: {int(clock.now().timestamp())}",
        "X-Nonce: 4f1c9a3be07d5286",
        f"X-Signature: {'ab' * 32}",
        "Content-Length: 1000000",
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        writer.write("\r\n".join((*head, "", "")).encode())
        async with asyncio.timeout(5):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def test_under_a_strange_key_no_body_is_read_and_the_address_is_slowed_down(
    serve: Serve, clock: ManualClock
) -> None:
    options = WebOptions(rate_anonymous="2/minute", proxies=Proxies(LOCAL_NETWORKS))
    site = await serve(HearingApi(), options=options)
    assert [await refusal_of_head(site, clock) for _ in range(3)] == [401, 401, 429]
