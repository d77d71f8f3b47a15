"""Sensors that send what they kept one after the other make the same curve as when all are heard at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from occupancy.curve import Belated, belated_moves, mended
from occupancy.fusion import Policy
from occupancy.sources import Measures, Passages, Place, SpaceSums
from occupancy.timeline import Sample, SpaceMoved, trace
from tests.examples import examples

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
POLICY = Policy(known_share_min=0.95, patience=timedelta(minutes=15))
SENSORS = 4

Word = tuple[int, datetime, str]
"""Which space, when, what."""

moments = st.integers(0, 12).map(lambda tens: EIGHT + timedelta(minutes=10 * tens))
states = st.sampled_from(["free", "occupied", "unknown", "out_of_service"])
buffers = st.lists(
    st.dictionaries(moments, states, max_size=6).map(lambda kept: sorted(kept.items())),
    min_size=SENSORS,
    max_size=SENSORS,
)


class Curve:
    """One car park with sensors only, as recording and upkeep treat it."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._belated: list[Belated] = []
        self._states: dict[int, str] = {}
        self._measures = Measures(SpaceSums(), {}, None, Passages())
        self._told: tuple[int, int, int] | None = None
        self._sampled_at: datetime | None = None

    def record(self, words: Sequence[Word]) -> None:
        changes = []
        for space, at, state in words:
            changes.append(SpaceMoved(at, self._states.get(space), state, ""))
            self._states[space] = state
        self._belated += belated_moves(changes, sampled_at=self._sampled_at)
        place = Place(SENSORS, SENSORS)
        traced = trace(self._measures, place, POLICY, changes, told=self._told, sampled_at=self._sampled_at)
        if traced.truth is not None:
            self._told, self._sampled_at = traced.truth.numbers, traced.sampled_at
        self.samples += traced.samples
        self.samples.sort(key=lambda sample: sample.at)

    def mend(self) -> None:
        if not self._belated:
            return
        first = min(move.since for move in self._belated)
        last = max(move.until for move in self._belated)
        earlier = [sample for sample in self.samples if sample.at < first]
        within = [sample for sample in self.samples if first <= sample.at <= last]
        later = [sample for sample in self.samples if sample.at > last]
        self.samples = earlier + mended(earlier[-1] if earlier else None, within, self._belated) + later
        self._belated.clear()

    @property
    def seen(self) -> list[tuple[datetime, int, int]]:
        """What is in force from when on, without what says nothing new."""
        in_force = {sample.at: (sample.occupied, sample.out_of_service) for sample in self.samples}
        seen: list[tuple[datetime, int, int]] = []
        for at, numbers in sorted(in_force.items()):
            if not seen or seen[-1][1:] != numbers:
                seen.append((at, *numbers))
        return seen


@examples(300)
@given(kept=buffers, data=st.data())
def test_one_after_the_other_is_as_all_at_once(kept: list[list[tuple[datetime, str]]], data: st.DataObject) -> None:
    at_once, one_by_one = Curve(), Curve()
    at_once.record(
        sorted(
            ((space, at, state) for space, words in enumerate(kept) for at, state in words),
            key=lambda word: word[1],
        )
    )
    left = [[(space, at, state) for at, state in words] for space, words in enumerate(kept)]
    while any(left):
        space = data.draw(st.sampled_from([space for space, words in enumerate(left) if words]))
        size = data.draw(st.integers(1, len(left[space])))
        batch, left[space] = left[space][:size], left[space][size:]
        one_by_one.record(batch)
        if data.draw(st.booleans()):
            one_by_one.mend()
    one_by_one.mend()
    assert one_by_one.seen == at_once.seen
