"""Which gateway hears the network servers: one of them, unless it is told not to."""

from gateway.envelopes.topics import NETWORK_FILTERS
from gateway.settings import GatewaySettings


def test_slot_0_hears_every_network_server() -> None:
    first, second = GatewaySettings(partitions=2).shares()
    settings = GatewaySettings(partitions=2)
    assert set(NETWORK_FILTERS) <= set(settings.session(first).filters)
    assert not set(NETWORK_FILTERS) & set(settings.session(second).filters)


def test_networks_may_be_others_or_none() -> None:
    own = GatewaySettings(networks=("v3/parking@city/devices/+/up",))
    (share,) = own.shares()
    assert [topic for topic in own.session(share).filters if topic.startswith("v3/")] == list(own.networks)
    none = GatewaySettings(networks=())
    assert not [topic for topic in none.session(share).filters if topic.startswith(("v3/", "application/"))]
