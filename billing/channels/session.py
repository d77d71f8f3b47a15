"""The way out to a payment channel: one pool of connections for each, made at its first use, and hard limits."""

from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

TOTAL_S: Final = 10.0
"""Channels answer within a second; what takes longer is asked for again, and may have been done."""
CONNECT_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""A day's bill of a hundred thousand payments is some 30 MB."""
CONNECTIONS_MAX: Final = 16


class Session:
    """Sends, follows no redirects, trusts no proxy of the environment and keeps no cookies."""

    def __init__(self, *, total_s: float = TOTAL_S) -> None:
        self._total_s = total_s
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer. Raises aiohttp.ClientError, OSError, TimeoutError, ValueError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                timeout=aiohttp.ClientTimeout(total=self._total_s, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            said = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                said += chunk
                if len(said) > ANSWER_BYTES_MAX:
                    raise ValueError("the answer does not end")
            return answer.status, answer.headers, bytes(said)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
