"""The publisher's own book: what it told the broker, and what it expects to be refused.

Kept apart from everything of the product, so that the oracle can hold the database against it.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Said(NamedTuple):
    """One event as a device said it. The order of the last four is the order of truth."""

    car_park: str
    space: str
    at: datetime
    epoch: str
    seq: int
    state: str


class Refusable(NamedTuple):
    """A message, or one event of it, that must end in the dead letters under one of `reasons`."""

    topic: str
    sha256: str
    reasons: frozenset[str]


@dataclass
class Ledger:
    """Everything said so far. `events` counts repeats, `distinct` does not."""

    distinct: set[Said] = field(default_factory=set)
    events: int = 0
    refusable: list[Refusable] = field(default_factory=list)

    def say(self, said: Said) -> None:
        self.distinct.add(said)
        self.events += 1

    def expect_refusal(self, topic: str, payload: bytes, *reasons: str) -> None:
        """`payload` as it is kept in the dead letters: the message, or a message of its refused events alone."""
        self.refusable.append(Refusable(topic, hashlib.sha256(payload).hexdigest(), frozenset(reasons)))

    def newest(self) -> dict[tuple[str, str], Said]:
        """What each space must be in the end, whatever came in between."""
        newest: dict[tuple[str, str], Said] = {}
        for said in self.distinct:
            place = (said.car_park, said.space)
            known = newest.get(place)
            if known is None or said[2:] > known[2:]:
                newest[place] = said
        return newest
