"""Which of a car park's sources is believed, and what they say together: the one truth. Pure.

Every source has been reduced to its newest word (`occupancy.measures`); this module chooses between them:

1. **spaces**, when there are as many numbered spaces as the capacity and at least `known_share_min` of them are known;
2. **counts**, the counter of the whole car park, or the counters of its zones when they cover it and every one of them
   was heard later than that one;
3. **mixed**, zone by zone the better of sensors and counter, when the zones known cover the capacity as far;
4. **passages**, the last count of the whole car park (or none: an empty one) plus entries minus exits since;
5. incomplete sensors and zones, then passages without a count to start from, when there is nothing else: `unknown`
   says how much of the car park is not known.

Newer beats better only by more than `patience`: of the sources that were heard within `patience` of the newest one,
the first in this order wins. So a dead sensor net gives way to a living counter, and two living ones never alternate.
What the registry says a car park is `measured_by` goes first, as long as that source was ever heard.
Nothing here depends on the present or on the order of arrival: the same facts give the same truth.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from contracts.availability import Source
from occupancy.sources import Count, MeasuredBy, Measures, Place, SpaceSums, ZonePlace


class Policy(Struct, frozen=True):
    """When sensors are complete, and how much newer a lesser source must be to be believed instead."""

    known_share_min: float
    patience: timedelta


class Truth(Struct, frozen=True):
    """What is believed. `out_of_service` includes the spaces whose sensor says that it does not know; `unknown` counts
    these and the spaces `never_heard` of.
    """

    occupied: int
    capacity: int
    out_of_service: int
    unknown: int
    source: Source
    as_of: datetime
    complete: bool
    whole_count: bool = False
    never_heard: int = 0
    counted_at: datetime | None = None
    """The newest of the zones' counts in it."""
    counted_since: datetime | None = None
    """The oldest of them."""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """What a sample keeps."""
        return (self.occupied, self.capacity, self.out_of_service)


def fuse(measures: Measures, place: Place, policy: Policy) -> Truth | None:
    """The one truth about a car park; None when no source was ever heard."""
    sources = {kind: truth for kind, truth in _sources(measures, place, policy) if truth is not None}
    if not sources:
        return None
    whole, zones = sources.get("counts"), sources.get("mixed")
    if whole is not None and zones is not None and _overtakes(zones, whole, policy):
        sources["counts"] = zones
    declared = sources.get(place.measured_by)
    if declared is not None:
        return declared
    newest = max(truth.as_of for truth in sources.values())
    living = [truth for truth in sources.values() if newest - truth.as_of <= policy.patience]
    return next((truth for truth in living if truth.complete), living[0])


def _overtakes(zones: Truth, whole: Truth, policy: Policy) -> bool:
    """Whether the counters of the zones say something newer than the counter of the whole: every one of them, lest the
    truth alternates with their messages, or one where the counter of the whole has fallen silent.
    """
    if zones.counted_at is None or zones.counted_since is None:
        return False
    all_newer = zones.complete and zones.counted_since > whole.as_of
    return all_newer or zones.counted_at - whole.as_of > policy.patience


def _sources(measures: Measures, place: Place, policy: Policy) -> Iterator[tuple[MeasuredBy, Truth | None]]:
    yield "spaces", _of_spaces(measures.spaces, place, policy)
    whole = measures.counts.get("")
    yield "counts", None if whole is None else _of_count(measures, "", whole)
    if measures.zones is not None:
        yield "mixed", _of_zones(measures, place, policy)
    yield "passages", _of_passages(measures, whole, place)


def _of_spaces(sums: SpaceSums, place: Place, policy: Policy) -> Truth | None:
    if sums.at is None:
        return None
    capacity = max(place.capacity, sums.known + sums.unknown)
    unknown = capacity - sums.known
    return Truth(
        sums.occupied,
        capacity,
        sums.out_of_service + sums.unknown,
        unknown,
        "spaces",
        sums.at,
        place.numbered >= place.capacity and sums.known >= policy.known_share_min * capacity,
        never_heard=unknown - sums.unknown,
    )


def _of_count(measures: Measures, zone: str, count: Count) -> Truth:
    occupied, out = measures.counted(zone, count), count.out_of_service
    return Truth(occupied, count.capacity, out, 0, "counts", count.at, True, True)


def lanes_sum(measures: Measures) -> int:
    """The last count and what went through the lanes since, with what was corrected; below zero when that cannot be."""
    passages = measures.passages
    total = passages.base + passages.net
    if passages.base_at is not None:
        total += measures.correction("counts", "", passages.base_at)
    for since, cars in measures.corrections.get(("passages", ""), ()):
        if passages.base_at is None or since > passages.base_at:  # a count begins the sum anew
            total += cars
    return total


def _of_passages(measures: Measures, whole: Count | None, place: Place) -> Truth | None:
    passages = measures.passages
    if passages.at is None:
        return None
    capacity, out = (place.capacity, 0) if whole is None else (whole.capacity, whole.out_of_service)
    as_of = passages.at if passages.base_at is None else max(passages.at, passages.base_at)
    return Truth(max(0, lanes_sum(measures)), capacity, out, 0, "passages", as_of, passages.base_at is not None)


def _of_zones(measures: Measures, place: Place, policy: Policy) -> Truth | None:
    """Zone by zone: sensors where they are complete, else the counter, else incomplete sensors, else unknown."""
    labels = sorted(place.zones.keys() | measures.counts.keys())
    chosen = [zone for label in labels if (zone := _zone(label, measures, place, policy)) is not None]
    if not chosen:
        return None
    newest = max(zone.as_of for zone in chosen)
    living = [zone for zone in chosen if newest - zone.as_of <= policy.patience]
    occupied = sum(zone.occupied for zone in living)
    out_of_service = sum(zone.out_of_service for zone in living)
    covered = sum(zone.capacity - zone.unknown for zone in living)
    capacity = max(place.capacity, covered)
    unknown = capacity - covered
    complete = covered >= policy.known_share_min * capacity
    told_not_to_know = sum(zone.unknown - zone.never_heard for zone in living)
    counted = sorted(zone.as_of for zone in living if zone.source == "counts")
    return Truth(
        occupied,
        capacity,
        out_of_service,
        unknown,
        "counts" if counted else "spaces",
        newest,
        complete,
        never_heard=max(0, unknown - told_not_to_know),  # a counter may speak of more spaces than the zone has
        counted_at=counted[-1] if counted else None,
        counted_since=counted[0] if counted else None,
    )


def _zone(label: str, measures: Measures, place: Place, policy: Policy) -> Truth | None:
    if label == "":
        return None
    known = place.zones.get(label, ZonePlace(0, 0))
    here = Place(known.capacity, known.numbered)
    sums = (measures.zones or {}).get(label)
    sensors = None if sums is None else _of_spaces(sums, here, policy)
    count = measures.counts.get(label)
    counted = None if count is None else _of_count(measures, label, count)
    both = [truth for truth in (sensors, counted) if truth is not None]
    if not both:
        return None
    newest = max(truth.as_of for truth in both)
    living = [truth for truth in both if newest - truth.as_of <= policy.patience]
    return next((truth for truth in living if truth.complete), living[0])
