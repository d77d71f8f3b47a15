"""A day of the city: vehicles come to car parks by land use, take a free space, stay, leave. Pure; arrays throughout.

Every space of every car park is a slot in one row of arrays, numbered or not, measured or not: what is really so.
`car_park.py` turns it into what the car park's devices say about it. Time is seconds since Monday 00:00 in the city.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.demand import DAY_S, Demand, Floats, Ints
from simulators.land_uses import Stream, streams_of

_POPULARITY: Final = 0.82
_POPULARITY_SPREAD: Final = 0.24
"""Car parks of one kind differ: this makes some of them full every day and others never."""
_FULLEST: Final = 0.985
_NEVER: Final = np.inf
STEP_S_MAX: Final = 300.0
"""A longer stretch is walked through in steps, so that a stay of five minutes is still seen after a pause."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the city needs to know of a car park."""

    id: str
    kind: str
    slots: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Slots that were taken or freed, sorted by car park and time, with the vehicle that did it."""

    slots: Ints
    car_parks: Ints
    taken: NDArray[np.bool_]
    at_s: Floats
    vehicles: Ints


class City:
    """What is where, moment by moment; the same seed, places and moments give the same city."""

    def __init__(self, places: Sequence[Place], *, seed: int, now_s: float, vehicles_from: int = 0) -> None:
        """`vehicles_from`: a city that begins again has other vehicles than those that somebody may still know."""
        self.places = places
        self.now_s = now_s
        self.turned_away = 0
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        sizes = np.array([place.slots for place in places], dtype=np.int64)
        self.starts: Ints = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        self.car_park_of: Ints = np.repeat(np.arange(len(places)), sizes)
        slots = int(self.starts[-1])
        self.taken: NDArray[np.bool_] = np.zeros(slots, dtype=np.bool_)
        self.vehicles: Ints = np.zeros(slots, dtype=np.int64)
        self._leaves_at: Floats = np.full(slots, _NEVER)
        self._vehicles_made = vehicles_from + seed % 1000 * 1_000_000
        self._streams, pairs = _pairs(places)
        self._demand = Demand(self._streams)
        self._pair_place: Ints = np.array([place for place, _ in pairs], dtype=np.int64)
        self._pair_stream: Ints = np.array([stream for _, stream in pairs], dtype=np.int64)
        popularity = np.array([_popularity(seed, place.id) for place in places])
        self._pair_weight: Floats = (sizes * popularity)[self._pair_place]
        self._guests: list[tuple[int, bool, int]] = []
        self._day = -1
        self._comes: Floats = np.ones(len(pairs))
        self._settle()

    def park(self, place: int, vehicle: int, slot: int | None = None) -> int | None:
        """Let a guest take `slot` of a place, or the nearest free one, until `unpark`; None when it is taken."""
        start, end = int(self.starts[place]), int(self.starts[place + 1])
        free = start + np.flatnonzero(~self.taken[start:end])
        found = int(free[0]) if slot is None and len(free) else start + (slot or 0)
        if not len(free) or self.taken[found]:
            return None
        self.taken[found], self.vehicles[found], self._leaves_at[found] = True, vehicle, _NEVER
        self._guests.append((found, True, vehicle))
        return found - start

    def unpark(self, place: int, slot: int) -> None:
        """The guest in `slot` leaves."""
        found = int(self.starts[place]) + slot
        self.taken[found], self._leaves_at[found] = False, _NEVER
        self._guests.append((found, False, int(self.vehicles[found])))

    def advance(self, until_s: float) -> Changes:
        """Let the city live until then; what changed on the way."""
        parts = [self._moved_guests()] if self._guests else []
        while self.now_s < until_s:
            parts.append(self._step(min(until_s, self.now_s + STEP_S_MAX)))
        if not parts:
            parts.append(_sorted([], [], [], [], self.car_park_of))
        if len(parts) == 1:
            return parts[0]
        return _sorted(
            [part.slots for part in parts],
            [part.taken for part in parts],
            [part.at_s for part in parts],
            [part.vehicles for part in parts],
            self.car_park_of,
        )

    def _moved_guests(self) -> Changes:
        """They moved since the last step."""
        slots, taken, vehicles = zip(*self._guests, strict=True)
        self._guests.clear()
        slots_, at_s = np.array(slots, dtype=np.int64), np.full(len(slots), self.now_s)
        return _sorted(
            [slots_],
            [np.array(taken, dtype=np.bool_)],
            [at_s],
            [np.array(vehicles, dtype=np.int64)],
            self.car_park_of,
        )

    def _settle(self) -> None:
        """Park what is expected to be parked now, with the stays that such vehicles still have before them."""
        self._draw_events(self.now_s)
        expected = self._demand.inside(self.now_s)[self._pair_stream] * self._pair_weight * self._comes
        found = self._rng.poisson(expected)
        for place in range(len(self.places)):
            mine = np.flatnonzero(self._pair_place == place)
            room = int(self.starts[place + 1] - self.starts[place])
            streams = np.repeat(self._pair_stream[mine], found[mine])
            if len(streams) > room * _FULLEST:
                streams = self._rng.choice(streams, int(room * _FULLEST), replace=False)
            slots = self.starts[place] + self._rng.permutation(room)[: len(streams)]
            self._park(slots, self.now_s + self._demand.remaining_s(streams, self.now_s, self._rng))

    def _step(self, until_s: float) -> Changes:
        from_s, length_s = self.now_s, until_s - self.now_s
        self._draw_events(from_s)
        rates = self._demand.rates(from_s)[self._pair_stream] * self._pair_weight * self._comes
        arriving = self._rng.poisson(rates * length_s)
        coming, streams = self._choose(arriving)
        coming_at = from_s + self._rng.random(len(coming)) * length_s

        leaving = np.flatnonzero(self._leaves_at <= until_s)
        leaving_at = np.maximum(self._leaves_at[leaving], from_s)
        leaving_vehicles = self.vehicles[leaving]
        self.taken[leaving] = False
        self._leaves_at[leaving] = _NEVER

        self._park(coming, coming_at + self._demand.stays_s(streams, self._rng))
        self.now_s = until_s
        return _sorted(
            [coming, leaving],
            [np.ones(len(coming), dtype=np.bool_), np.zeros(len(leaving), dtype=np.bool_)],
            [coming_at, leaving_at],
            [self.vehicles[coming], leaving_vehicles],
            self.car_park_of,
        )

    def _choose(self, arriving: Ints) -> tuple[Ints, Ints]:
        """Free slots for the arrivals of every pair, lower numbers (nearer ones) preferred; and their streams.

        Two that want the same slot: one of them drives on, as one does who finds no slot at all.
        """
        chosen: list[Ints] = []
        streams: list[Ints] = []
        free: Ints = np.zeros(0, dtype=np.int64)
        seen = -1
        for pair in np.flatnonzero(arriving):
            place = self._pair_place[pair]
            if place != seen:
                start, end = self.starts[place], self.starts[place + 1]
                free = start + np.flatnonzero(~self.taken[start:end])
                seen = place
            count = int(arriving[pair])
            if len(free):
                wanted = (len(free) * self._rng.random(count) ** 1.4).astype(np.int64)
                got = np.unique(wanted)
                chosen.append(free[got])
                streams.append(np.full(len(got), self._pair_stream[pair]))
                free = np.delete(free, got)
                self.turned_away += count - len(got)
            else:
                self.turned_away += count
        if not chosen:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        return np.concatenate(chosen), np.concatenate(streams)

    def _park(self, slots: Ints, until_s: Floats) -> None:
        self.taken[slots] = True
        self._leaves_at[slots] = until_s
        self.vehicles[slots] = self._vehicles_made + np.arange(1, len(slots) + 1)
        self._vehicles_made += len(slots)

    def _draw_events(self, at_s: float) -> None:
        """Which of the streams that come only on some days come today."""
        day = int(at_s // DAY_S)
        if day == self._day:
            return
        self._day = day
        for pair, stream in enumerate(self._pair_stream):
            chance = self._streams[stream].event_chance
            if chance is not None:
                place = self.places[self._pair_place[pair]].id
                drawn = random.Random(f"{self._seed} {place} {day}").random()  # noqa: S311 - a seeded play
                self._comes[pair] = drawn < chance[day % 7 >= 5]


def _pairs(places: Sequence[Place]) -> tuple[Sequence[Stream], Sequence[tuple[int, int]]]:
    """All streams that occur, and which of them come to which place."""
    numbers: dict[int, int] = {}
    streams: list[Stream] = []
    pairs: list[tuple[int, int]] = []
    for place, found in enumerate(places):
        for stream in streams_of(found.kind):
            if id(stream) not in numbers:
                numbers[id(stream)] = len(streams)
                streams.append(stream)
            pairs.append((place, numbers[id(stream)]))
    return streams, pairs


def _popularity(seed: int, place: str) -> float:
    spread = random.Random(f"{seed} {place}").gauss(0.0, _POPULARITY_SPREAD)  # noqa: S311 - a seeded play
    return float(_POPULARITY * np.exp(spread))


def _sorted(
    slots: Sequence[Ints],
    taken: Sequence[NDArray[np.bool_]],
    at_s: Sequence[Floats],
    vehicles: Sequence[Ints],
    car_park_of: Ints,
) -> Changes:
    if not slots:
        none = np.zeros(0, dtype=np.int64)
        return Changes(none, none, np.zeros(0, dtype=np.bool_), np.zeros(0), none)
    all_slots, all_at = np.concatenate(slots), np.concatenate(at_s)
    car_parks = car_park_of[all_slots]
    order = np.lexsort((all_at, car_parks))
    return Changes(
        all_slots[order],
        car_parks[order],
        np.concatenate(taken)[order],
        all_at[order],
        np.concatenate(vehicles)[order],
    )
