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
