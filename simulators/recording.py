"""Recorded occupancy: what every car park's rows say. Pure.

Nothing is repaired: what the file says of a car park is what the car park will say on the wire, rows that make no
sense included. Columns instead of objects, so that memory is some 30 bytes a row.
"""

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from contracts.ids import CarParkId
from simulators.local_time import WallTime

Measure = Literal["occupied", "free"]
Column: TypeAlias = "array[int]"
"""64-bit numbers, one a row; quoted because `array` takes no parameters at run time before Python 3.12."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_LENGTH_MAX: Final = 64
_TITLE_LENGTH_MAX: Final = 200


class UnknownRecording(ValueError):
    """The file's columns are of no format we know, or it cannot be read as a table at all."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is not what its format promises: told on the wire as it stands, and so refused with a reason."""

    line: int
    row: int
    at: str
    value: str
    capacity: str | None


@dataclass(slots=True)
class Series:
    """One car park's rows in the order of time; rows of the same time stay in the order of the file.

    `rows[i]` is the row's number within its car park in the file, from 0; an exact repeat has the number of the row
    that it repeats. `capacities` is empty when the format has one capacity a car park.
    """

    name: str
    id: CarParkId
    title: str
    measure: Measure
    capacity: int = 0
    position: tuple[float, float] | None = None
    at_us: Column = field(default_factory=lambda: array("q"))
    values: Column = field(default_factory=lambda: array("q"))
    capacities: Column = field(default_factory=lambda: array("q"))
    rows: Column = field(default_factory=lambda: array("q"))
    unreadable: list[Unreadable] = field(default_factory=list)
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def at(self, index: int) -> datetime:
        return EPOCH + timedelta(microseconds=self.at_us[index])

    def capacity_at(self, index: int) -> int:
        """The row's own capacity; free spaces beyond the car park's capacity raise it, so that the row stays true."""
        if self.capacities:
            return self.capacities[index]
        return max(self.capacity, self.values[index]) if self.measure == "free" else self.capacity

    def beyond_capacity(self) -> int:
        """Rows with more vehicles, or more free spaces, than the car park has room for."""
        if self.capacities:
            return sum(value > capacity for value, capacity in zip(self.values, self.capacities, strict=True))
        return sum(value > self.capacity for value in self.values)


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole file."""

    path: Path
    format: str
    time_zone: str
    series: Sequence[Series]
    wall_times: Mapping[WallTime, int]
    warnings: Sequence[str]

    @property
    def rows(self) -> int:
        """Rows that name a car park, the unreadable ones included."""
        return sum(len(each) + len(each.unreadable) for each in self.series)


def slug_of(name: str, taken: Callable[[str], bool] = lambda _: False) -> CarParkId:
    """A recording's own name as a car park id: lower case, everything else `-`; numbered when that is `taken`."""
    slug = re.sub(r"[^a-z0-9-]", "-", name.lower())[:_ID_LENGTH_MAX]
    unique, number = slug, 1
    while taken(unique):
        number += 1
        suffix = f"-{number}"
        unique = slug[: _ID_LENGTH_MAX - len(suffix)] + suffix
    return CarParkId(unique)


def title_of(name: str) -> str:
    """A recording's name as the name of a car park: one printable line of at most 200 characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", name).strip()[:_TITLE_LENGTH_MAX] or "-"
