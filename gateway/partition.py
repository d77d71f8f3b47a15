"""Which gateway hears which operators: N slots, each with a client id of its own, and every operator in exactly one.

Pure. Never a shared subscription: with an absent member a broker goes on feeding it, and what a member with no session
had not acknowledged is lost. A slot's client id is fixed instead, so the broker keeps its messages for whoever holds
the slot next (docs/decisions/0021).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from contracts.wire import PREFIX

ALL_OPERATORS: Final = f"{PREFIX}/+/+/+"
"""Every kind of every car park by one filter: their order between each other is kept."""
ECHO_KIND: Final = "echo"
"""The last level of the topic on which a silent gateway asks the broker whether it still delivers."""
OPERATORS_REMEMBERED_MAX: Final = 10_000


@lru_cache(maxsize=OPERATORS_REMEMBERED_MAX)
def slot_of(operator: str, partitions: int) -> int:
    """The slot in `range(partitions)` that hears `operator`. The same in every process and for ever.

    Rendezvous hashing: a slot more takes its share evenly from the others, who keep the rest.
    """
    return max(range(partitions), key=lambda slot: _weight(operator, slot))


def _weight(operator: str, slot: int) -> bytes:
    return hashlib.blake2b(f"{operator}/{slot}".encode(), digest_size=8).digest()


def client_id_of(name: str, slot: int, partitions: int) -> str:
    """The fixed client id of a slot; `name` alone when there is only one."""
    return name if partitions == 1 else f"{name}-{slot}-of-{partitions}"


def operator_filter(operator: str) -> str:
    """What to subscribe to for all of an operator's messages."""
    return f"{PREFIX}/{operator}/+/+"


@dataclass(frozen=True, slots=True)
class Share:
    """One slot: the part of the city that one gateway process hears and speaks for.

    `hears_all`: it listens to every operator and leaves alone those whom another slot has subscribed to. So it gets
    what nobody else would: messages of operators who are not registered, or were only a moment ago.
    """

    slot: int
    partitions: int
    client_id: str
    hears_all: bool

    @classmethod
    def of(cls, name: str, slot: int, partitions: int, *, strangers: bool) -> "Share":
        hears_all = partitions == 1 or (strangers and slot == 0)
        return cls(slot, partitions, client_id_of(name, slot, partitions), hears_all)

    def owns(self, operator: str) -> bool:
        """Whether this slot records, publishes and gives orders for `operator`."""
        return slot_of(operator, self.partitions) == self.slot

    def to_subscribe(self, operators: Iterable[str]) -> frozenset[str]:
        """Those of `operators` that need a filter of their own here."""
        return frozenset() if self.hears_all else frozenset(filter(self.owns, operators))

    def standing_filters(self, for_devices: Iterable[str] = ()) -> tuple[str, ...]:
        """What this slot listens to whoever is registered. Topics `for_devices` name no operator and go to slot 0."""
        devices = tuple(for_devices) if self.slot == 0 else ()
        return (ALL_OPERATORS if self.hears_all else operator_filter(self.client_id), *devices)

    @property
    def echo_topic(self) -> str:
        """Within the standing filters, and nobody's car park."""
        return f"{PREFIX}/{self.client_id}/{self.client_id}/{ECHO_KIND}"
