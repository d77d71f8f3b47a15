"""Which entry and which exit belong together. Pure, and the same whatever the order in which passages became known.

Of one vehicle (all that a plate, or a ticket, did at one car park) in the order in which it happened: an exit ends the
stay that the entry right before it began. A second entry without an exit in between, or leaving the car park without
leaving the nested zone, makes the stay before it suspect: nobody knows when it ended, so nobody is billed for it. An
exit that no entry precedes is an orphan. Two stays never become one, because nothing but neighbours is ever paired.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Passage(Struct, frozen=True, kw_only=True):
    """One reading of a lane, corrections applied. `zone` "" is the car park's own border."""

    id: str
    zone: str
    lane: str
    direction: str
    at: datetime
    plate: str | None = None
    color: str | None = None
    ticket: str | None = None
    vehicle_class: str | None = None
    confidence: float | None = None
    image: str | None = None
    supersedes: str | None = None
    made_by: str | None = None


class Outcome(StrEnum):
    """What is known of a visit."""

    OPEN = "open"
    PAIRED = "paired"
    SECOND_ENTRY = "second_entry"
    """It came again without having left."""
    LEFT_UNSEEN = "left_unseen"
    """It left the car park without leaving the zone."""
    TOO_LONG = "too_long"
    """Its exit follows its entry, but so much later that passages in between are more likely lost."""
    ORPHAN = "orphan"


class Rules(Struct, frozen=True, kw_only=True):
    """Of a car park's policy. `same_reading`: a lane that reads an entry again so soon has read it twice. `same_exit`:
    nobody leaves twice; whoever is read at an exit again so soon has not got through yet.
    """

    same_reading: timedelta
    same_exit: timedelta
    stay_max: timedelta


class Visit(Struct, frozen=True, kw_only=True):
    """`entries` and `exits` are the ids of all readings of its ends, the first one counts."""

    zone: str
    color: str | None
    outcome: Outcome
    entry: Passage | None = None
    exit: Passage | None = None
    entries: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    again: Passage | None = None
    """The last reading at the exit, where there were several: the vehicle stood there longer."""
    around: str | None = None
    """The entry of the stay at the car park in which a visit of a nested zone lies."""

    @property
    def first(self) -> Passage:
        """What it is known by."""
        found = self.entry or self.exit
        assert found is not None  # noqa: S101 - a visit has an end
        return found


class Window(Struct, frozen=True, kw_only=True):
    """Passages in a row. Where it is cut, others lie before or after it, which nobody has read."""

    passages: Sequence[Passage]
    cut_before: bool = False
    cut_after: bool = False


class _Reading(Struct):
    """One passage, however often it was read: `passage` is the first reading."""

    passage: Passage
    ids: list[str]
    last: Passage

    @property
    def again(self) -> Passage | None:
        return None if self.last is self.passage else self.last


def pair(window: Window, rules: Rules) -> list[Visit]:
    """The visits of which `window` knows enough, by the time at which they began to be known."""
    ordered = sorted(window.passages, key=lambda one: (one.at, one.direction == "entry", one.id))
    streams: dict[str | None, list[Passage]] = {}
    for color, passage in zip(_colors(ordered), ordered, strict=True):
        streams.setdefault(color, []).append(passage)
    visits = [visit for color, stream in streams.items() for visit in _visits(color, stream, window, rules)]
    return sorted(visits, key=lambda visit: (visit.first.at, visit.first.id))


def _colors(ordered: Sequence[Passage]) -> list[str | None]:
    """Of each; where the camera did not tell, that of the neighbours, as long as they agree."""
    before: list[str | None] = []
    seen: str | None = None
    for passage in ordered:
        seen = passage.color or seen
        before.append(seen)
    colors: list[str | None] = []
    seen = None
    for passage, earlier in zip(reversed(ordered), reversed(before), strict=True):
        seen = passage.color or seen
        agreed = earlier if seen is None or earlier is None or earlier == seen else None
        colors.append(passage.color or agreed or (seen if earlier is None else None))
    return colors[::-1]


def _visits(color: str | None, stream: Iterable[Passage], window: Window, rules: Rules) -> list[Visit]:
    inside: dict[str, tuple[_Reading, str | None]] = {}
    done: list[Visit] = []
    known: set[str] = set()

    def end(zone: str, outcome: Outcome, left: _Reading | None = None) -> None:
        reading, around = inside.pop(zone)
        if left is not None and left.passage.at - reading.passage.at > rules.stay_max:
            outcome = Outcome.TOO_LONG
        done.append(
            Visit(
                zone=zone,
                color=color,
                outcome=outcome,
                entry=reading.passage,
                exit=None if left is None else left.passage,
                entries=tuple(reading.ids),
                exits=() if left is None else tuple(left.ids),
                again=None if left is None else left.again,
                around=around,
            )
        )

    for reading in _readings(stream, rules):
        passage = reading.passage
        zone = passage.zone
        if passage.direction == "entry":
            if zone in inside:
                end(zone, Outcome.SECOND_ENTRY)
            around = inside[""][0].passage.id if zone and "" in inside else None
        elif zone in inside:
            end(zone, Outcome.PAIRED, reading)
        elif zone in known or not window.cut_before:
            orphan = Visit(zone=zone, color=color, outcome=Outcome.ORPHAN, exit=passage, exits=tuple(reading.ids))
            done.append(replace(orphan, again=reading.again))
        if not zone:
            for nested in [other for other in inside if other]:
                end(nested, Outcome.LEFT_UNSEEN)
        if passage.direction == "entry":
            inside[zone] = reading, around
        known.add(zone)
    if not window.cut_after:
        for zone in list(inside):
            end(zone, Outcome.OPEN)
    return done


def _readings(stream: Iterable[Passage], rules: Rules) -> list[_Reading]:
    """Readings of one vehicle that follow each other at once are one, however many ids they have."""
    readings: list[_Reading] = []
    for passage in stream:
        last = readings[-1] if readings else None
        if last is not None and _is_same(last, passage, rules):
            last.ids.append(passage.id)
            last.last = passage
        else:
            readings.append(_Reading(passage, [passage.id], passage))
    return readings


def _is_same(last: _Reading, passage: Passage, rules: Rules) -> bool:
    before, after = last.passage, passage.at - last.last.at
    if (before.zone, before.direction) != (passage.zone, passage.direction):
        return False
    if passage.direction == "exit":
        return after <= rules.same_exit
    return before.lane == passage.lane and after <= rules.same_reading
