"""One message as it came off the wire, before anyone has understood it."""

from datetime import datetime

from msgspec import Struct


class Received(Struct, gc=False):
    """`generation` is the connection it came over: an acknowledgement is meant for that connection only.

    `payload_bytes` is the true length; `payload` is cut short when it was far beyond what anyone may send.
    """

    topic: str
    payload: bytes
    payload_bytes: int
    qos: int
    mid: int
    retain: bool
    generation: int
    received_at: datetime
    """UTC."""
    stored: bool = False
    """Committed, or refused for good; not yet acknowledged as long as an older message is not."""

    @classmethod
    def kept(cls, topic: str, payload: bytes, received_at: datetime, *, payload_bytes: int | None = None) -> "Received":
        """One that did not come over a connection to a broker, which therefore has nothing to acknowledge."""
        true_bytes = len(payload) if payload_bytes is None else payload_bytes
        return cls(topic, payload, true_bytes, 1, 0, False, 0, received_at)
