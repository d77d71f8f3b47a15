"""Spaces that are told otherwise than their newest event says, and which begin to flap. Pure but for what it remembers.

A sensor that is silent past its heartbeat leaves its space `unknown` until its next word. One that changes its mind
more often than `flips_max` times within `window` flaps: the state that held before is told until it has been quiet
for a while (`occupancy.settle`). Every event is kept as it came; only what is counted and shown is held.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from contracts.facts import SpaceSeen
from contracts.ids import CarParkId

SILENT: Final = "silent"
FLAPPING: Final = "flapping"
WATCHED_MAX: Final = 50_000
"""Spaces whose changes are remembered: ten minutes of a busy city. Then the oldest half is forgotten."""


class Doubts(Struct):
    """The doubted spaces of the car parks in hand: what each is told to be. Moves with the batch."""

    shown: dict[int, str] = field(default_factory=dict)
    flapping: set[int] = field(default_factory=set)
    spoke: set[int] = field(default_factory=set)
    """Silent ones that said something newer."""

    def __bool__(self) -> bool:
        return bool(self.shown)

    def told(self, space: int, before: str | None, after: str) -> tuple[str | None, str]:
        """From what to what the told state goes when the newest event goes from `before` to `after`."""
        shown = self.shown.get(space)
        if shown is None:
            return before, after
        if space in self.flapping:
            return shown, shown
        del self.shown[space]
        self.spoke.add(space)
        return shown, after


class Flapping(Struct, frozen=True):
    """A space that began to flap, and the state that held before."""

    space: int
    car_park: CarParkId
    stable: str


class _Restless(Struct):
    """A space that changed twice lately: what it was before, and when it changed, by its own clock."""

    stable: str
    at: list[datetime]


class FlipWatch:
    """Remembers the latest changes of spaces, in two halves of which the older is forgotten when the newer is full.

    What it remembers may be lost at any time: then a flapping sensor is found a window later.
    """

    def __init__(self, flips_max: int, window: timedelta) -> None:
        self._flips_max = flips_max
        self._window = window
        self._newer: dict[int, datetime | _Restless] = {}
        self._older: dict[int, datetime | _Restless] = {}

    def note(self, flipped: Iterable[SpaceSeen]) -> list[Flapping]:
        """Take in changes of state, also those taken in before; who flaps now."""
        found: dict[int, Flapping] = {}
        for fact in flipped:
            space, at = fact.space, fact.at
            known = self._newer.get(space)
            if known is None:
                known = self._older.get(space)
            if known is None or at - _last(known) > self._window:
                self._put(space, at)
            elif not isinstance(known, _Restless):
                if at != known:
                    self._put(space, _Restless(fact.state, [known, at]))  # back to what it was before the first
            elif at not in known.at:
                known.at = [earlier for earlier in known.at if at - earlier <= self._window]
                known.at.append(at)
                self._put(space, known)
                if len(known.at) > self._flips_max:
                    found[space] = Flapping(space, fact.car_park, known.stable)
        return list(found.values())

    def forget(self, space: int) -> None:
        """It has become quiet."""
        self._newer.pop(space, None)
        self._older.pop(space, None)

    def _put(self, space: int, known: datetime | _Restless) -> None:
        if len(self._newer) >= WATCHED_MAX // 2 and space not in self._newer:
            self._older, self._newer = self._newer, {}
        self._newer[space] = known


def _last(known: datetime | _Restless) -> datetime:
    return known.at[-1] if isinstance(known, _Restless) else known
