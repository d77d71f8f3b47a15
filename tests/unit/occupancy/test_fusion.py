"""Which source is believed, by table."""

from datetime import UTC, datetime, timedelta

import pytest

from occupancy.fusion import Count, MeasuredBy, Measures, Passages, Place, Policy, SpaceSums, ZonePlace, fuse

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


def count(occupied: int, minutes: float = 0, capacity: int = 100) -> Count:
    return Count(occupied, capacity, later(minutes), "", -1)


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
    assert fuse(measures(counts={"": count(5, capacity=0)}), Place(100), POLICY).capacity == 100  # type: ignore[union-attr]  # it was heard


def test_more_cars_than_spaces_are_kept() -> None:
    truth = fuse(measures(counts={"": count(110)}), Place(100), POLICY)
    assert truth is not None
    assert truth.numbers == (110, 100, 0)
