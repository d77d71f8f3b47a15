"""What was seen of one car park's data in one hour, and how hours add up. Pure.

Filled by `occupancy.watch_health` about once a minute; read by `occupancy.quality` and by the operator's pages.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, structs

LATENCY_EDGES_S: Final = (
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0,
    180.0, 300.0, 450.0, 600.0, 900.0,
)  # fmt: skip
"""Seconds from a word's `at` to its receipt; each class of `latencies` ends below one of these, the last has no end.

Histograms of hours add up, percentiles do not.
"""

LATENCY_CLASSES: Final = len(LATENCY_EDGES_S) + 1


class HealthHour(Struct, frozen=True):
    """The sums of one hour; the columns of `occupancy.health_hour` say what each is."""

    hour: datetime
    looks: int = 0
    dark: int = 0
    overfull: int = 0
    capacity: int = 0
    unheard: int = 0
    spaces: int = 0
    silent: int = 0
    flapping: int = 0
    sources: int = 0
    gapped: int = 0
    stored: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    gaps: int = 0
    lost: int = 0
    clock_ahead: int = 0
    latencies: Sequence[int] = ()

    @property
    def received(self) -> int:
        """As the gateway's books add up."""
        return self.stored + self.duplicate + self.late + self.rejected

    @property
    def live_words(self) -> int:
        """Words that came while they were news; what a device had kept is not among them."""
        return sum(self.latencies)


COUNTS: Final = tuple(name for name in HealthHour.__struct_fields__ if name not in {"hour", "latencies"})
"""The columns that are plain sums."""


def added(one: HealthHour, other: HealthHour) -> HealthHour:
    """Both together, as of the hour of `one`."""
    sums = {name: getattr(one, name) + getattr(other, name) for name in COUNTS}
    both = added_latencies([(1, one.latencies), (1, other.latencies)])
    return structs.replace(one, **sums, latencies=[int(words) for words in both])


def added_latencies(weighed: Iterable[tuple[float, Sequence[int]]]) -> list[float]:
    """The sum of histograms, each with its weight; an empty one counts nothing."""
    total = [0.0] * LATENCY_CLASSES
    for weight, histogram in weighed:
        for place, words in enumerate(histogram):
            total[place] += weight * words
    return total


def latency_s(histogram: Sequence[float], share: float) -> float | None:
    """Within which time this `share` of the words came, interpolated within its class; None without words."""
    words = sum(histogram)
    if words <= 0:
        return None
    wanted, passed = share * words, 0.0
    for place, here in enumerate(histogram):
        if here > 0 and passed + here >= wanted:
            begin = LATENCY_EDGES_S[place - 1] if place else 0.0
            end = LATENCY_EDGES_S[min(place, len(LATENCY_EDGES_S) - 1)]
            return begin + (end - begin) * (wanted - passed) / here
        passed += here
    return LATENCY_EDGES_S[-1]
