"""What is known of a car park before anything is decided: the newest word of each source, and the place. Pure.

`occupancy.measures` reads the words, `occupancy.places` the place; `occupancy.fusion` chooses between the sources.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field

MeasuredBy = Literal["spaces", "counts", "passages", "mixed", "auto"]


class SpaceSums(Struct):
    """How many spaces are in each state, and when the newest of them was heard."""

    occupied: int = 0
    free: int = 0
    out_of_service: int = 0
    unknown: int = 0
    at: datetime | None = None

    @property
    def known(self) -> int:
        return self.occupied + self.free + self.out_of_service

    def move(self, before: str | None, after: str, at: datetime) -> None:
        """One space went from `before` (None: never heard of) to `after`."""
        if before != after:
            if before is not None:
                setattr(self, before, getattr(self, before) - 1)
            setattr(self, after, getattr(self, after) + 1)
        if self.at is None or at > self.at:
            self.at = at


class Count(Struct, frozen=True):
    """The newest word of a counter."""

    occupied: int
    capacity: int
    at: datetime
    epoch: str
    seq: int
    out_of_service: int = 0

    @property
    def order(self) -> tuple[datetime, str, int, int, int, int]:
        """Of two words of one counter the greater is the truth."""
        return (self.at, self.epoch, self.seq, self.occupied, self.capacity, self.out_of_service)


class Passages(Struct):
    """Entries minus exits (`net`) after the count `base` was taken at `base_at`."""

    base: int = 0
    base_at: datetime | None = None
    net: int = 0
    at: datetime | None = None


class ZonePlace(Struct, frozen=True):
    """A zone as the registry knows it."""

    capacity: int
    numbered: int


class Place(Struct, frozen=True):
    """A car park as the registry knows it, as far as the truth depends on it."""

    capacity: int = 0
    numbered: int = 0
    measured_by: MeasuredBy = "auto"
    zones: Mapping[str, ZonePlace] = field(default_factory=dict)


Corrections = Mapping[tuple[str, str], Sequence[tuple[datetime, int]]]
"""By measure (`counts` or `passages`) and zone: since when, and what is added to the words from then on."""


class Measures(Struct):
    """The newest word of every source of a car park. `counts` is by zone, "" for the whole car park.

    `zones` is None where they were not added up because they decide nothing. `corrections` are what operators applied
    against drift (decision 20): words stay as they came, and are believed with these added.
    """

    spaces: SpaceSums
    counts: dict[str, Count]
    zones: dict[str, SpaceSums] | None
    passages: Passages
    corrections: Corrections = {}

    def counted(self, zone: str, count: Count) -> int:
        """What is believed of a counter's word: never less than nothing."""
        return max(0, count.occupied + self.correction("counts", zone, count.at))

    def correction(self, measure: str, zone: str, at: datetime) -> int:
        """What is added to a word told at `at`."""
        return sum(cars for since, cars in self.corrections.get((measure, zone), ()) if at >= since)
