"""A broker's address in one line, and never its password in an error."""

import pytest

from gateway.address import BrokerAddress


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://localhost", BrokerAddress("localhost", 1883, tls=False, username=None, password=None)),
        ("mqtts://b.example:99", BrokerAddress("b.example", 99, tls=True, username=None, password=None)),
        ("mqtt://a%40b:p%2Fw@h:1", BrokerAddress("h", 1, tls=False, username="a@b", password="p/w")),
    ],
)
def test_an_address_is_taken_apart(url: str, expected: BrokerAddress) -> None:
    assert BrokerAddress.of(url) == expected


@pytest.mark.parametrize("url", ["http://user:secret@host", "mqtt://", "", "mqtt://user:secret@"])
def test_another_scheme_or_no_host_is_an_error_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="mqtt://") as raised:
        BrokerAddress.of(url)
    assert "secret" not in str(raised.value)
