"""What the benches publish: a city of equal car parks whose every event is a true change, newer than all before.

Round the city no space appears twice within SPACES consecutive events, so no batch can be folded smaller than it came;
a flood goes round the SPACES_EACH spaces of its one car park. Each space numbers its events without a gap, as devices
do.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from contracts.ids import CarParkId, SpaceLabel
from contracts.wire import SpaceEvent, SpacesMessage, SpaceStateWord, up_topic

OPERATOR = "bench"
CAR_PARKS = 500
SPACES_EACH = 500
SPACES = CAR_PARKS * SPACES_EACH
EPOCH = "boot"
EVENT_EVERY = timedelta(milliseconds=1)
FLOODED = 0
"""The car park that sends too much."""


def car_park_id(index: int) -> CarParkId:
    return CarParkId(f"bench-{index:03}")


def space_label(index: int) -> SpaceLabel:
    return SpaceLabel(f"B1-{index:03}")


@dataclass
class CityLoad:
    """Makes messages, continuing where the last ones ended: time only goes forward."""

    at: datetime
    made: int = 0
    occupied: bytearray = field(default_factory=lambda: bytearray(SPACES))
    flooded: int = 0
    seqs: "array[int]" = field(default_factory=lambda: array("I", [0]) * SPACES)

    def told_at(self, made: int) -> datetime:
        """The time of the event that was the `made`th."""
        return self.at + made * EVENT_EVERY

    def singles(self, count: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of one event, going round the car parks."""
        for _ in range(count):
            car_park, space = self.made % CAR_PARKS, self.made // CAR_PARKS % SPACES_EACH
            yield _message(car_park, [self._event(car_park, space)])

    def batches(self, count: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of SPACES_EACH events: each says all spaces of one car park."""
        for _ in range(count):
            car_park = self.made // SPACES_EACH % CAR_PARKS
            yield _message(car_park, [self._event(car_park, space) for space in range(SPACES_EACH)])

    def flood(self, count: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of one event, all of the car park FLOODED."""
        for _ in range(count):
            self.flooded += 1
            yield _message(FLOODED, [self._event(FLOODED, self.flooded % SPACES_EACH)])

    def _event(self, car_park: int, space: int) -> SpaceEvent:
        self.made += 1
        place = car_park * SPACES_EACH + space
        self.occupied[place] ^= 1
        state: SpaceStateWord = "occupied" if self.occupied[place] else "free"
        self.seqs[place] += 1
        at = self.told_at(self.made)
        return SpaceEvent(space=space_label(space), state=state, at=at, seq=self.seqs[place], epoch=EPOCH)


def _message(car_park: int, events: list[SpaceEvent]) -> tuple[str, bytes]:
    topic = up_topic(OPERATOR, car_park_id(car_park), "spaces")
    return topic, msgspec.json.encode(SpacesMessage(events=events))
