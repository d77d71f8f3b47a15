"""Where nothing may be sent, whoever says so."""

import ipaddress
import socket

import pytest
from aiohttp.resolver import ThreadedResolver

from reservation.outside import AddressRefused, Outside, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "::7f00:1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "2606:4700:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x", "ftp://example.com", "https://", "https://localhost/x", "https://db/x", "no url",
        "https://user:secret@example.com", "https://example.com/#part", "https://127.0.0.1/", "https://[::1]/",
        "https://10.0.0.1:8443/x", "https://metadata.internal/", "https://printer.local./", "https://exa mple.com/",
        "https://example.com:0/", "https://example.com:99999/", "https://[::ffff:127.0.0.1]/", "https://bücher.example/",
        "https://0x7f.1/", "https://2130706433/",
    ],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Outside().check(url)


@pytest.mark.parametrize("url", ["https://example.com/berth?x=1", "https://example.com:8443/", "https://8.8.8.8/x"])
def test_urls_that_are_taken(url: str) -> None:
    Outside().check(url)


def test_this_machine_only_where_a_trial_allows_it() -> None:
    trial = Outside(loopback_allowed=True)
    trial.check("http://127.0.0.1:8000/x")
    trial.check("http://localhost/x")
    for url in ("http://10.0.0.1/", "http://example.com/"):
        with pytest.raises(AddressRefused):
            trial.check(url)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_a_name_that_leads_here_is_refused_when_it_is_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it looked like when it was set up."""

    async def resolve(*_: object) -> list[dict[str, object]]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        host = {"hostname": "x.example", "host": address, "port": 443}
        return [{**host, "family": family, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    with pytest.raises(OSError, match="not public"):
        await Outside().post("https://x.example/", {}, b"{}")
