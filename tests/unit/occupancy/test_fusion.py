"""Which source is believed, by table."""

from datetime import UTC, datetime, timedelta

import pytest

from occupancy.fusion import Policy, fuse
from occupancy.sources import Count, MeasuredBy, Measures, Passages, Place, SpaceSums, ZonePlace

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
POLICY = Policy(known_share_min=0.95, patience=timedelta(minutes=15))
ALL = SpaceSums(occupied=60, free=40, at=EIGHT)
FEW = SpaceSums(occupied=6, free=4, at=EIGHT)


def later(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def measures(
    spaces: SpaceSums | None = None,
    counts: dict[str, Count] | None = None,
    zones: dict[str, SpaceSums] | None = None,
    passages: Passages | None = None,
) -> Measures:
    return Measures(spaces or SpaceSums(), counts or {}, zones, passages or Passages())


def count(occupied: int, minutes: float = 0, capacity: int = 100, out: int = 0) -> Count:
    return Count(occupied, capacity, later(minutes), "", -1, out)


def passed(net: int, minutes: float = 0, base: int = 0) -> Passages:
    return Passages(base, EIGHT, net, later(minutes))


@pytest.mark.parametrize(
    ("known", "measured_by", "expected"),
    [
        pytest.param(measures(), "auto", None, id="nothing was heard"),
        pytest.param(measures(ALL), "auto", (60, 0, "spaces"), id="every space has a sensor"),
        pytest.param(measures(ALL, {"": count(70)}), "auto", (60, 0, "spaces"), id="complete sensors before a counter"),
        pytest.param(measures(ALL, {"": count(70, 15)}), "auto", (60, 0, "spaces"), id="a little newer is not better"),
        pytest.param(measures(ALL, {"": count(70, 16)}), "auto", (70, 0, "counts"), id="dead sensors give way"),
        pytest.param(measures(FEW, {"": count(70)}), "auto", (70, 0, "counts"), id="a counter before few sensors"),
        pytest.param(measures(FEW), "auto", (6, 0, "spaces"), id="few sensors before nothing"),
        pytest.param(
            measures(SpaceSums(60, 35, at=EIGHT)), "auto", (60, 0, "spaces"), id="95 of 100 known is complete"
        ),
        pytest.param(
            measures(SpaceSums(60, 34, at=EIGHT), {"": count(1)}), "auto", (1, 0, "counts"), id="94 of 100 is not"
        ),
        pytest.param(
            measures(SpaceSums(60, 34, 1, 5, EIGHT)),
            "auto",
            (60, 6, "spaces"),
            id="a sensor that does not know is beside those out of service",
        ),
        pytest.param(
            measures(FEW, passages=Passages(net=7, at=EIGHT)),
            "auto",
            (6, 0, "spaces"),
            id="few sensors before passages from nowhere",
        ),
        pytest.param(
            measures(FEW, {"": count(40, -60)}, passages=passed(3, base=40)),
            "auto",
            (43, 0, "passages"),
            id="passages on from a count before few sensors",
        ),
        pytest.param(measures(passages=passed(7)), "auto", (7, 0, "passages"), id="passages on their own"),
        pytest.param(measures(passages=passed(-7)), "auto", (0, 0, "passages"), id="never fewer than none"),
        pytest.param(
            measures(counts={"": count(40)}, passages=passed(3, 60, base=40)),
            "auto",
            (43, 0, "passages"),
            id="passages count on when the counter is silent",
        ),
        pytest.param(
            measures(counts={"": count(40)}, passages=passed(3, 5, base=40)), "auto", (40, 0, "counts"), id="not before"
        ),
        pytest.param(
            measures(counts={"": count(40, out=9)}), "auto", (40, 9, "counts"), id="neither occupied nor free"
        ),
        pytest.param(
            measures(counts={"": count(40, out=9)}, passages=passed(3, 60, base=40)),
            "auto",
            (43, 9, "passages"),
            id="what was out of service stays so while passages count on",
        ),
        pytest.param(measures(ALL, {"": count(70)}), "counts", (70, 0, "counts"), id="the registry says: counts"),
        pytest.param(
            measures(FEW, {"": count(70)}), "spaces", (6, 0, "spaces"), id="the registry says: spaces, however few"
        ),
        pytest.param(
            measures(counts={"": count(70)}), "passages", (70, 0, "counts"), id="what was declared was never heard"
        ),
    ],
)
def test_one_truth(known: Measures, measured_by: MeasuredBy, expected: tuple[int, int, str] | None) -> None:
    truth = fuse(known, Place(100, 100, measured_by), POLICY)
    assert (None if truth is None else (truth.occupied, truth.out_of_service, truth.source)) == expected


ZONES = {"A": ZonePlace(40, 40), "B": ZonePlace(60, 0)}
SENSED = {"A": SpaceSums(10, 30, at=EIGHT)}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(
            measures(counts={"B": count(20, 0, 60)}, zones=SENSED), (30, 0, "counts"), id="sensors and counter"
        ),
        pytest.param(measures(zones=SENSED), (10, 0, "spaces"), id="a zone nobody watches"),
        pytest.param(
            measures(counts={"A": count(25, 16, 40), "B": count(20, 16, 60)}, zones=SENSED),
            (45, 0, "counts"),
            id="dead sensors give way in their zone",
        ),
        pytest.param(measures(counts={"B": count(20, 30, 60)}, zones=SENSED), (20, 0, "counts"), id="a dead zone"),
        pytest.param(
            measures(counts={"": count(5), "B": count(20, 0, 60)}, zones=SENSED), (5, 0, "counts"), id="the whole first"
        ),
        pytest.param(
            measures(counts={"": count(5), "B": count(20, 1, 60)}, zones=SENSED),
            (30, 0, "counts"),
            id="not when the zones were counted later",
        ),
        pytest.param(
            measures(counts={"": count(5), "B": count(20, -1, 60)}, zones={"A": SpaceSums(10, 30, at=later(1))}),
            (5, 0, "counts"),
            id="a sensor that is heard later is no count",
        ),
        pytest.param(
            measures(counts={"": count(5), "B": count(20, 1, 60)}, zones={}),
            (5, 0, "counts"),
            id="zones that cover half of it are not better",
        ),
    ],
)
def test_zone_by_zone(known: Measures, expected: tuple[int, int, str]) -> None:
    truth = fuse(known, Place(100, 40, "auto", ZONES), POLICY)
    assert truth is not None
    assert (truth.occupied, truth.out_of_service, truth.source) == expected


def test_capacity_is_the_counters_when_it_says_one() -> None:
    assert fuse(measures(counts={"": count(5, capacity=90)}), Place(100), POLICY).capacity == 90  # type: ignore[union-attr]  # it was heard
    assert fuse(measures(counts={"": count(0, capacity=0)}), Place(100), POLICY).numbers == (0, 0, 0)  # type: ignore[union-attr]  # it was heard


TWO_STOREYS = {"B1": ZonePlace(60, 0), "B2": ZonePlace(40, 0)}


@pytest.mark.parametrize("measured_by", ["auto", "counts"])
def test_living_counters_of_whole_and_zones_do_not_alternate(measured_by: MeasuredBy) -> None:
    place = Place(100, 0, measured_by, TWO_STOREYS)
    counts = {"B2": count(10, 0, 40), "": count(20, 1)}
    believed = []
    for minute in range(2, 40, 2):
        counts["B1"] = count(50, minute, 60)
        believed.append(fuse(measures(counts=counts, zones={}), place, POLICY))
        counts[""] = count(20, minute + 1)
        believed.append(fuse(measures(counts=counts, zones={}), place, POLICY))
    assert [truth.occupied for truth in believed if truth is not None] == [20] * 38


def test_zones_overtake_when_every_one_of_them_was_counted_later() -> None:
    counts = {"": count(20, 1), "B1": count(50, 2, 60), "B2": count(10, 3, 40)}
    truth = fuse(measures(counts=counts, zones={}), Place(100, 0, "auto", TWO_STOREYS), POLICY)
    assert truth is not None
    assert (truth.occupied, truth.capacity) == (60, 100)


@pytest.mark.parametrize(
    ("known", "unknown", "never_heard"),
    [
        pytest.param(measures(ALL), 0, 0, id="all are known"),
        pytest.param(measures(SpaceSums(60, 30, 2, 3, EIGHT)), 8, 5, id="three that do not know, five silent"),
        pytest.param(measures(counts={"": count(5)}), 0, 0, id="a counter knows the whole"),
        pytest.param(
            measures(counts={"B": count(20, 0, 60)}, zones={"A": SpaceSums(10, 20, 0, 4, EIGHT)}),
            10,
            6,
            id="zone by zone",
        ),
    ],
)
def test_what_was_never_heard_is_apart(known: Measures, unknown: int, never_heard: int) -> None:
    truth = fuse(known, Place(100, 100 if known.zones is None else 40, "auto", ZONES), POLICY)
    assert truth is not None
    assert (truth.unknown, truth.never_heard) == (unknown, never_heard)


def test_more_cars_than_spaces_are_kept() -> None:
    truth = fuse(measures(counts={"": count(110)}), Place(100), POLICY)
    assert truth is not None
    assert truth.numbers == (110, 100, 0)
