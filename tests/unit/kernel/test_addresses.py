"""Whose address a request comes from, and whose word on that is believed."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from kernel.addresses import LOCAL_NETWORKS, Proxies, networks, share_of


def request(peer: str, *forwarded: str) -> web.Request:
    made = make_mocked_request("GET", "/", headers=[("X-Forwarded-For", text) for text in forwarded])
    return made.clone(remote=peer)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # nobody asked him
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),  # what the client itself wrote comes first
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_only_a_trusted_proxy_says_who_is_behind_it(peer: str, forwarded: list[str], client: str) -> None:
    proxies = Proxies(networks(["10.0.0.0/8"]))
    assert str(proxies.client_of(request(peer, *forwarded))) == client


def test_a_socket_without_an_address_is_nobody() -> None:
    assert Proxies().client_of(request("")) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "inside"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("192.168.7.7", [], True),
        ("fd00::7", [], True),
        ("198.51.100.7", [], False),
        ("127.0.0.1", ["198.51.100.7"], False),  # a proxy that nobody named: it does not ask for itself
        ("10.1.2.3", ["198.51.100.7"], False),
        ("10.1.2.3", ["192.168.0.9"], True),
    ],
)
def test_who_asks_from_within(peer: str, forwarded: list[str], inside: bool) -> None:
    assert Proxies(networks(["10.0.0.0/8"])).is_within(request(peer, *forwarded), LOCAL_NETWORKS) is inside


def test_the_forwarded_header_counts_as_speaking_for_another() -> None:
    made = make_mocked_request("GET", "/", headers={"Forwarded": "for=198.51.100.7"}).clone(remote="127.0.0.1")
    assert not Proxies().is_within(made, LOCAL_NETWORKS)


def test_a_household_of_ipv6_shares() -> None:
    peers = ("2001:db8::1", "2001:db8::2", "2001:db9::1")
    one, other, stranger = (Proxies().client_of(request(peer)) for peer in peers)
    assert one is not None and other is not None and stranger is not None
    assert share_of(one) == share_of(other) == "2001:db8::/64"
    assert share_of(stranger) != share_of(one)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks(["10.0.0.1/8"])
