"""The curve of a car park whose sensors send what they kept: one after the other, each of the same past. Pure.

`occupancy.timeline` puts at the last sample whatever is older than it, since it sees one batch. The sum is right from
there on, but the stretch before lacks what the sensor told of it. So each such move is noted (`belated_moves`) and
later (`occupancy.mend_curves`) added to the samples between its time and where they have it already (`mended`). Moves
only add and take away, so it does not matter in which order they are mended or whether the curve went on meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from occupancy.timeline import Change, Sample, SpaceMoved

BELATED_AFTER: Final = timedelta(minutes=1)
"""What is less late than that is put at the last sample for good: messages of sensors overtake each other all day."""
MENDED_BACK: Final = timedelta(days=7)
"""What is later than that stays at the last sample: a curve of more than a week is not written anew for one sensor."""

_TAKEN_OUT: Final = ("out_of_service", "unknown")


class Belated(Struct, frozen=True, gc=False):
    """By so much the numbers are other from `since` on, which the curve shows from `until` on only."""

    since: datetime
    until: datetime
    occupied: int
    out_of_service: int


def belated_moves(changes: Iterable[Change], *, sampled_at: datetime | None) -> list[Belated]:
    """Which of `changes` are older than what was the last sample before them.

    The first word of a sensor is one even when it moves nothing: the curve may begin there.
    """
    if sampled_at is None:
        return []
    first, last = sampled_at - MENDED_BACK, sampled_at - BELATED_AFTER
    moves: defaultdict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    heard_first: set[datetime] = set()
    for change in changes:
        if change.at < last and change.at >= first and isinstance(change, SpaceMoved):
            move = moves[change.at]
            if change.before is None:
                heard_first.add(change.at)
            move[0] += (change.after == "occupied") - (change.before == "occupied")
            move[1] += (change.after in _TAKEN_OUT) - (change.before in _TAKEN_OUT)
    return [Belated(at, sampled_at, *moves[at]) for at in sorted(moves) if any(moves[at]) or at in heard_first]


def mended(before: Sample | None, samples: Sequence[Sample], moves: Sequence[Belated]) -> list[Sample]:
    """The samples of sensors that take the place of those among `samples`, which are all from the first `since` to
    the last `until` of `moves`, in their order; `before` is the one in force when they begin.

    The words of counters stay what they are, and no move is added to them.
    """
    steps: defaultdict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for move in moves:
        for at, sign in ((move.since, 1), (move.until, -1)):
            steps[at][0] += sign * move.occupied
            steps[at][1] += sign * move.out_of_service
    told: defaultdict[datetime, list[Sample]] = defaultdict(list)
    for sample in samples:
        told[sample.at].append(sample)
    level = _nothing_heard(samples) if before is None else before
    last = None if before is None or before.source != "spaces" else before
    occupied = out_of_service = 0
    curve: list[Sample] = []
    for at in sorted({*steps, *told}):
        occupied += steps[at][0] if at in steps else 0
        out_of_service += steps[at][1] if at in steps else 0
        level = told[at][-1] if at in told else level
        if level is None or level.source != "spaces":
            last = None
            continue
        sample = Sample(
            at,
            max(0, level.occupied + occupied),
            level.capacity,
            max(0, level.out_of_service + out_of_service),
            "spaces",
        )
        if last is None or _numbers(last) != _numbers(sample):
            curve.append(sample)
            last = sample
    return curve


def _nothing_heard(samples: Sequence[Sample]) -> Sample | None:
    """What is in force before the first sample of a car park: of its sensors none was heard."""
    first = next((sample for sample in samples if sample.source == "spaces"), None)
    return None if first is None else Sample(first.at, 0, first.capacity, 0, "spaces")


def _numbers(sample: Sample) -> tuple[int, int, int]:
    return (sample.occupied, sample.capacity, sample.out_of_service)
