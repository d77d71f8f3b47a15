"""A car park's past in steps, with the metrics of the Curb Data Specification (OMF CDS 1.0, "Methodology"). Pure.

CDS defines them by sessions; ours are seen from the curve of the occupied spaces, where a rise by n is n arrivals:
- `total_sessions` = count[sessions]: arrivals, at least (a car that leaves in the same instant hides one);
- `turnover` = count[sessions] / hour;
- `average_dwell_time` = sum[dwell time] / count[sessions], in minutes; the dwell time in a step is its occupied
  space-time; null without a session;
- `occupancy_percent` = sum[dwell time] / total duration, over all spaces, in percent.
All are taken over the time that the source was live. What was not known is left out, never taken for 0: a counter
silent for longer than `gap`, a gateway that told itself offline, the time before the first and after the last that was
heard. `live_share` says how much of the step is left; below `live_share_min` (`occupancy.steps`) each metric is -1.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

OFFLINE = -1
"""CDS: the source was offline."""


class Level(Struct, frozen=True, gc=False):
    """The numbers from `at` on. `every` tells whether each word of the source is a level, so that silence shows."""

    at: datetime
    occupied: int
    capacity: int
    out_of_service: int
    every: bool

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.out_of_service - self.occupied)


class Step(Struct):
    """What was seen of [`begin`, `end`), as sums over the `known_s` seconds."""

    begin: datetime
    end: datetime
    known_s: float = 0.0
    occupied_s: float = 0.0
    capacity_s: float = 0.0
    free_s: float = 0.0
    arrivals: int = 0

    def add(self, level: Level, seconds: float) -> None:
        self.known_s += seconds
        self.occupied_s += seconds * level.occupied
        self.capacity_s += seconds * level.capacity
        self.free_s += seconds * level.free

    def live_share(self, now: datetime) -> float:
        """The share of the step, as far as it has passed, for which the source was live: 0 to 1."""
        passed_s = (min(self.end, now) - self.begin).total_seconds()
        return self.known_s / passed_s if passed_s > 0 else 0.0


class Metrics(Struct, frozen=True):
    """One step as it is read; the means are null and the metrics -1 where the source was offline."""

    at: datetime
    occupied: float | None
    capacity: int | None
    free: float | None
    total_sessions: int
    turnover: float
    average_dwell_time: float | None
    occupancy_percent: float | None
    live_share: float


class Knowledge(Struct, frozen=True):
    """Until when the car park was heard of, how long a silent counter is believed, and when its gateway was offline."""

    heard_until: datetime
    gap: timedelta
    offline: Sequence[tuple[datetime, datetime]]


class Integral:
    """Takes levels in the order of their time and adds them up by step."""

    def __init__(self, steps: Sequence[Step], knowledge: Knowledge, now: datetime) -> None:
        self._steps = steps
        self._knowledge = knowledge
        self._now = now
        self._last: Level | None = None
        self._at = 0
        self._cut = 0

    def take(self, level: Level) -> None:
        """The next level; what came before it is in force until then."""
        last, self._last = self._last, level
        if last is None:
            return
        known_until = self._add(last, level.at)
        step = self._step_at(level.at)
        if step is not None and known_until == level.at and level.occupied > last.occupied:
            step.arrivals += level.occupied - last.occupied

    def finish(self) -> None:
        """No more levels: the last one is in force as long as the car park was heard of."""
        if self._last is not None:
            self._add(self._last, min(self._now, self._knowledge.heard_until + self._knowledge.gap))

    def _add(self, level: Level, until: datetime) -> datetime:
        end = min(until, level.at + self._knowledge.gap) if level.every else until
        for begin, finish in self._online(level.at, end):
            self._spread(level, begin, finish)
        return end

    def _online(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """[begin, end) without the times offline; `begin` never goes back, so what is past is not looked at again."""
        offline = self._knowledge.offline
        while self._cut < len(offline) and offline[self._cut][1] <= begin:
            self._cut += 1
        for place in range(self._cut, len(offline)):
            cut_begin, cut_end = offline[place]
            if cut_begin >= end:
                break
            if cut_begin > begin:
                yield begin, cut_begin
            begin = max(begin, cut_end)
        if begin < end:
            yield begin, end

    def _spread(self, level: Level, begin: datetime, end: datetime) -> None:
        for place in range(self._at, len(self._steps)):
            step = self._steps[place]
            if step.begin >= end:
                break
            if step.end <= begin:
                self._at = place
                continue
            seconds = (min(end, step.end) - max(begin, step.begin)).total_seconds()
            step.add(level, seconds)

    def _step_at(self, moment: datetime) -> Step | None:
        for place in range(self._at, len(self._steps)):
            step = self._steps[place]
            if step.begin <= moment < step.end:
                return step
            if step.begin > moment:
                break
        return None


def metrics_of(step: Step, now: datetime, *, live_share_min: float) -> Metrics:
    """The means and the CDS metrics of `step`, whose source is offline when it was live for less than that share."""
    live = step.live_share(now)
    if live == 0 or live < live_share_min:
        return Metrics(step.begin, None, None, None, OFFLINE, OFFLINE, OFFLINE, OFFLINE, round(live, 3))
    known = step.known_s
    dwell_min = step.occupied_s / 60
    return Metrics(
        at=step.begin,
        occupied=round(step.occupied_s / known, 2),
        capacity=round(step.capacity_s / known),
        free=round(step.free_s / known, 2),
        total_sessions=step.arrivals,
        turnover=round(step.arrivals / (known / 3600), 3),
        average_dwell_time=round(dwell_min / step.arrivals, 2) if step.arrivals else None,
        occupancy_percent=round(100 * step.occupied_s / step.capacity_s, 2) if step.capacity_s else None,
        live_share=round(live, 3),
    )
