"""Where a request comes from. Rates, shares of the live streams and who may read the metrics depend on it.

The peer of the connection is who asks, unless it is a proxy that the settings name: then it is whoever that proxy says,
the last address in X-Forwarded-For that is not a trusted proxy itself. What stands before that was written by the
client, and may be anything.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HOUSEHOLD_BITS: Final = 64
"""One subscriber of IPv6 has at least a /64 to himself: his addresses are one."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks written as `10.0.0.0/8` or `::1`. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


LOCAL: Final = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""The machine itself, and the networks that no router of the internet carries (RFC 1918, RFC 4193)."""
LOCAL_NETWORKS: Final = networks(LOCAL)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies whose word on who is behind them is believed."""

    trusted: Sequence[Network] = ()

    def client_of(self, request: web.Request) -> Address | None:
        """Who asks; None over a socket that has no address. The last one whose word counts, when it makes no sense."""
        client = _address(request.remote or "")
        said = [part for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
        while client is not None and said and _lies_in(client, self.trusted):
            behind = _address(said.pop().strip())
            if behind is None:
                break
            client = behind
        return client

    def is_within(self, request: web.Request, allowed: Collection[Network]) -> bool:
        """Whether `request` comes from `allowed`, and is not handed on by a proxy that nobody trusts."""
        peer = _address(request.remote or "")
        if peer is None or not _lies_in(peer, self.trusted):
            forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
            return peer is not None and not forwarded and _lies_in(peer, allowed)
        client = self.client_of(request)
        return client is not None and _lies_in(client, allowed)

    def counted(self, request: web.Request) -> str | None:
        """Whose count `request` goes to; None for the machine itself.

        Behind a proxy on this machine that nobody trusts, everybody would share one count.
        """
        client = self.client_of(request)
        if client is None or (client.is_loopback and not self.trusted):
            return None
        return share_of(client)


def share_of(client: Address) -> str:
    """The name of the household that `client` belongs to."""
    if isinstance(client, IPv6Address):
        return str(ip_network((int(client) >> HOUSEHOLD_BITS << HOUSEHOLD_BITS, HOUSEHOLD_BITS)))
    return str(client)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _lies_in(address: Address, where: Iterable[Network]) -> bool:
    return any(address in network for network in where)
