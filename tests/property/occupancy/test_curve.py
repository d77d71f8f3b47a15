"""Following sensors alone is a short cut: the curve and the sums are those of the way that asks for every source."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.fusion import Policy
from occupancy.sources import MeasuredBy, Measures, Passages, Place, SpaceSums
from occupancy.timeline import SpaceMoved, Traced, trace

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
POLICY = Policy(known_share_min=0.95, patience=timedelta(minutes=15))
STATES = ["free", "occupied", "unknown", "out_of_service"]

words = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(STATES), st.integers(0, 6)), max_size=14)


def after(
    said: list[tuple[int, str, int]], place: Place, sampled_at: datetime | None, *, zones: dict[str, SpaceSums] | None
) -> tuple[Traced, SpaceSums]:
    sums = SpaceSums()
    sums.move(None, "occupied", EIGHT)
    known: dict[int, str] = {}
    changes = []
    for space, state, minute in said:
        changes.append(SpaceMoved(EIGHT + timedelta(minutes=minute), known.get(space), state, ""))
        known[space] = state
    measures = Measures(sums, {}, zones, Passages())
    return trace(measures, place, POLICY, changes, told=(1, 4, 0), sampled_at=sampled_at), sums


@given(words, st.integers(3, 8), st.sampled_from(["auto", "spaces", "mixed"]), st.none() | st.integers(0, 6))
def test_sensors_alone_are_followed_the_same_way(
    said: list[tuple[int, str, int]], capacity: int, measured_by: MeasuredBy, sampled: int | None
) -> None:
    place = Place(capacity, 5, measured_by)
    sampled_at = None if sampled is None else EIGHT + timedelta(minutes=sampled)
    assert after(said, place, sampled_at, zones=None) == after(said, place, sampled_at, zones={})
