"""Where a broker listens and as whom we come."""

import pytest

from simulators.broker_address import broker_address


def test_an_address_is_read_with_its_port_and_who_comes() -> None:
    told = broker_address("mqtt://ann:p%40ss@broker.local")
    assert (str(told), told.username, told.password, told.tls) == ("broker.local:1883", "ann", "p@ss", None)
    safe = broker_address("mqtts://[::1]:9883")
    assert (safe.host, safe.port, safe.username) == ("::1", 9883, None)
    assert safe.tls is not None
    assert broker_address("mqtts://broker").port == 8883


def test_another_address_is_refused_without_telling_the_password() -> None:
    with pytest.raises(ValueError, match="not an MQTT address: http://broker") as refused:
        broker_address("http://ann:secret@broker")
    assert "secret" not in str(refused.value)
