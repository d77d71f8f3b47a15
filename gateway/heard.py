"""A device was heard: what it told of itself, and which of its uplinks it was. Pure."""

import hashlib
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.facts import DeviceHeard, PassageSeen
from gateway.profiles.profile import Count

SLOTS: Final = 16
"""Uplinks of one device that are remembered: two hours of one that sends every eight minutes."""
STATUS_COUNTER: Final = -1
"""Not an uplink of the device: its network server's answer about it."""


class Counting(Struct, frozen=True, gc=False):
    """What a vehicle counter said, oldest first, and the `passage` that each vehicle of it is, but for its id."""

    counts: tuple[Count, ...]
    passage: PassageSeen


class Heard(Struct, frozen=True, gc=False):
    """`session`, `counter` and `frame` (a hash of port and payload) say which uplink it was.

    `told_at` is the network's time of it, which another copy of the same uplink may tell differently;
    `delivery` the network server's name for this telling, "" where it has none.
    """

    fact: DeviceHeard
    session: str
    counter: int
    frame: bytes
    told_at: datetime
    delivery: str = ""
    counting: Counting | None = None

    @property
    def key(self) -> tuple[str, str, int, bytes]:
        return self.fact.device, self.session, self.counter, self.frame

    @property
    def slot(self) -> int:
        """Where it is remembered, among the last of its device."""
        return SLOTS if self.counter == STATUS_COUNTER else self.counter % SLOTS

    @property
    def epoch(self) -> str:
        """Orders words of the same moment within a session; differs for every uplink."""
        return f"{self.session}.{self.counter:010d}"

    def id_of(self, index: int) -> str:
        """A name for the `index`th thing that this uplink told, the same in every copy of it."""
        device, session, counter, frame = self.key
        told = "\0".join((device, session, str(counter), frame.hex(), str(index)))
        return f"lora-{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}"
