"""The way out to addresses that somebody else has chosen: over TLS, to public addresses only, briefly.

Whoever names a URL must not reach what only we can reach (SSRF): every address that the name resolves to is looked at
when it is connected to, so that a name which resolves otherwise the next moment gains nothing. No redirect is followed,
no proxy of the environment used, and no answer read beyond its status.
"""

import asyncio
import errno
import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

TOTAL_S: Final = 10.0
"""A receiver notes what it is told and answers; what it does with it is its own time."""
CONNECT_S: Final = 5.0
HEADER_BYTES_MAX: Final = 16_384
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)
"""IPv6 addresses that lead to an IPv4 address within them."""


class AddressRefused(ValueError):
    """Nothing is sent there; the message says why."""


class Outside:
    """Sends; `loopback_allowed` lets http and this machine be reached, for tests and trials."""

    def __init__(self, *, loopback_allowed: bool = False) -> None:
        self._loopback_allowed = loopback_allowed

    def check(self, url: str) -> None:
        """That `url` may be sent to, as far as it says itself. Raises AddressRefused."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise AddressRefused("is no URL") from None
        if not url.isascii() or not url.isprintable() or " " in url or not host or port == 0:
            raise AddressRefused("is no URL: write https://host/path")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise AddressRefused("must have no user, password or fragment")
        is_here = self._loopback_allowed and _is_loopback(host)
        if parts.scheme != "https" and not (is_here and parts.scheme == "http"):
            raise AddressRefused("must begin with https://")
        if is_here:
            return
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            if (
                "." not in host
                or host.rpartition(".")[2][:1].isdigit()
                or host.endswith((".localhost", ".local", ".internal", ".home.arpa"))
            ):
                raise AddressRefused("must name a host of the public internet") from None
        else:
            if not is_public(address):
                raise AddressRefused("must name a host of the public internet")

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """The answer's status. Raises AddressRefused, OSError, TimeoutError, aiohttp.ClientError."""
        self.check(url)
        connector = aiohttp.TCPConnector(
            resolver=_PublicOnly(loopback_allowed=self._loopback_allowed), limit=1, force_close=True
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                max_line_size=HEADER_BYTES_MAX,
                max_field_size=HEADER_BYTES_MAX,
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status


class _PublicOnly(AbstractResolver):
    """The system's resolver, whose every answer must be public."""

    def __init__(self, *, loopback_allowed: bool) -> None:
        self._loopback_allowed = loopback_allowed
        self._system = ThreadedResolver(asyncio.get_running_loop())

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError."""
        found = await self._system.resolve(host, port, family)
        if not (self._loopback_allowed and _is_loopback(host)):
            for one in found:
                if not is_public(ipaddress.ip_address(one["host"].partition("%")[0])):
                    raise OSError(errno.EACCES, "the name leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._system.close()


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether `address` is one of the public internet, and no way round to another."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped is not None or any(address in network for network in _TRANSLATED)
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
