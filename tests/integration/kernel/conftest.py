"""A real server on loopback around the API objects of a test, and a client to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from kernel.api_keys import KeyStore, StoredKey
from kernel.auth import Authenticator
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.tokens import LocalKey, local_issuer, mint_driver_token, new_signing_key
from kernel.webserver import WebOptions, WebServer, make_application


@dataclass(frozen=True)
class Site:
    """A served application: a client to it and the means to sign in."""

    client: aiohttp.ClientSession
    clock: ManualClock
    key: LocalKey
    server: WebServer
    port: int

    def driver(self, name: str = "ann", **more: Any) -> dict[str, str]:
        """The headers of a driver."""
        return {"Authorization": f"Bearer {mint_driver_token(self.key, name, self.clock.now(), **more)}"}


class NoKeys:
    """A store that knows no operator."""

    async def find(self, key_id: str) -> StoredKey | None:
        return None


Serve = Callable[..., Awaitable[Site]]


@pytest.fixture
async def serve(clock: ManualClock) -> AsyncIterator[Serve]:
    """`await serve(api, ...)`: the API objects on a free port."""
    started: list[Site] = []
    key = new_signing_key()

    async def start(
        *apis: object,
        database: Database | None = None,
        keys: KeyStore | None = None,
        options: WebOptions | None = None,
        **more: Any,
    ) -> Site:
        authenticator = Authenticator(issuer=local_issuer(key), keys=keys or NoKeys(), clock=clock)
        server = WebServer(
            make_application(apis, clock=clock, authenticator=authenticator, database=database, options=options, **more)
        )
        port = await server.start("127.0.0.1", 0)
        site = Site(aiohttp.ClientSession(f"http://127.0.0.1:{port}"), clock, key, server, port)
        started.append(site)
        return site

    yield start
    for site in started:
        await site.client.close()
        await site.server.stop()
