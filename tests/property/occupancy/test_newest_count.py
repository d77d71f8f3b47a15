"""Of a counter of the whole car park and counters of all its zones, the newest that is complete is the truth."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.fusion import Policy, fuse
from occupancy.sources import Count, MeasuredBy, Measures, Passages, Place, SpaceSums, ZonePlace

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
PATIENCE = timedelta(minutes=15)
POLICY = Policy(known_share_min=0.95, patience=PATIENCE)
ZONES = {"A": ZonePlace(40, 0), "B": ZonePlace(60, 0)}

minutes = st.integers(0, 60).map(lambda passed: EIGHT + timedelta(minutes=passed))


@given(
    whole=st.tuples(st.integers(0, 100), minutes),
    first=st.tuples(st.integers(0, 40), minutes),
    second=st.tuples(st.integers(0, 60), minutes),
    measured_by=st.sampled_from(["auto", "counts"]),
)
def test_the_newest_count_wins(
    whole: tuple[int, datetime], first: tuple[int, datetime], second: tuple[int, datetime], measured_by: MeasuredBy
) -> None:
    told = {"": (*whole, 100), "A": (*first, 40), "B": (*second, 60)}
    counts = {zone: Count(occupied, capacity, at, "", -1) for zone, (occupied, at, capacity) in told.items()}
    truth = fuse(Measures(SpaceSums(), counts, {}, Passages()), Place(100, 0, measured_by, ZONES), POLICY)
    assert truth is not None
    oldest, newest = sorted((first[1], second[1]))
    both_live = newest - oldest <= PATIENCE
    if newest <= whole[1]:
        assert (truth.occupied, truth.as_of) == whole
    elif both_live and (oldest > whole[1] or newest - whole[1] > PATIENCE):
        assert (truth.occupied, truth.as_of, truth.unknown) == (first[0] + second[0], newest, 0)
    elif newest - whole[1] > PATIENCE:
        assert (truth.as_of, truth.unknown > 0) == (newest, True)
    else:  # a part of the zones is older or silent: the whole is better, and hardly older
        assert (truth.occupied, truth.as_of) == whole
