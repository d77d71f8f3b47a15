"""How talks with payment channels end."""

from prometheus_client import CollectorRegistry, Counter


class ChannelMeters:
    """`ended`: answered, refused, away (nobody knows), put_off (the channel is left alone)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.talks = Counter(
            "berth_channel_talks", "Talks with payment channels.", ["channel", "about", "ended"], registry=registry
        )

    def ended(self, channel: str, about: str, how: str) -> None:
        """`about`: payment or refund."""
        self.talks.labels(channel, about, how).inc()
