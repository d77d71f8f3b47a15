"""How a generated car park is divided: storeys or rows, numbered spaces, lanes, entrances."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise

from contracts.ids import LaneLabel, SpaceLabel, ZoneLabel
from registry.catalogue import Entrance, Lane, MeasuredBy, Name, Space, Zone
from registry.city_kinds import Kind

SPACES_PER_LANE_PAIR = 400
"""One entry and one exit serve about 300 vehicles an hour each."""
_STOREY_SPACES = {"under": 260, "tower": 300, "ground": 150, "kerb": 100}
_STOREYS_MAX = {"under": 4, "tower": 8, "ground": 8, "kerb": 1}
_SIDES = (("东门", "East entrance"), ("南门", "South entrance"), ("西门", "West entrance"), ("北门", "North entrance"))


def zones_of(rng: random.Random, kind: Kind, capacity: int, measured_by: MeasuredBy) -> tuple[Zone, ...]:
    """Zones that add up to `capacity`. What is only counted, or only seen at its lanes, is often not divided at all."""
    if measured_by == "passages" or (measured_by == "counts" and (capacity < 150 or rng.random() < 0.4)):
        return ()
    count = min(_STOREYS_MAX[kind.storeys], math.ceil(capacity / _STOREY_SPACES[kind.storeys]))
    edges = [round(capacity * place / count) for place in range(count + 1)]
    return tuple(
        Zone(ZoneLabel(_zone_label(kind.storeys, place)), until - start, _level(kind.storeys, place))
        for place, (start, until) in enumerate(pairwise(edges), start=1)
    )


def _zone_label(storeys: str, place: int) -> str:
    return {"under": f"B{place}", "tower": f"F{place}", "ground": "ABCDEFGH"[place - 1], "kerb": "R"}[storeys]


def _level(storeys: str, place: int) -> int:
    return {"under": -place, "tower": place - 1}.get(storeys, 0)


def spaces_of(zones: Sequence[Zone], features: Sequence[str]) -> tuple[Space, ...]:
    """Numbered spaces such as `B1-032`; 2 % are accessible and 6 % have a charger where the car park offers that."""
    spaces = []
    for zone in zones:
        digits = max(3, len(str(zone.capacity)))
        accessible = math.ceil(zone.capacity * 0.02) if "accessible" in features else 0
        charging = zone.capacity - (math.ceil(zone.capacity * 0.06) if "ev" in features else 0)
        for number in range(1, zone.capacity + 1):
            special = ("accessible",) if number <= accessible else ("ev",) if number > charging else ()
            spaces.append(Space(SpaceLabel(f"{zone.label}-{number:0{digits}}"), zone.label, special))
    return tuple(spaces)


def lanes_of(kind: Kind, capacity: int) -> tuple[Lane, ...]:
    """Pairs of an entry `E1` and an exit `X1`; a kerb has none."""
    if kind.storeys == "kerb":
        return ()
    pairs = max(1, round(capacity / SPACES_PER_LANE_PAIR))
    entries = [Lane(LaneLabel(f"E{number}"), "entry") for number in range(1, pairs + 1)]
    exits = [Lane(LaneLabel(f"X{number}"), "exit") for number in range(1, pairs + 1)]
    return (*entries, *exits)


def entrances_of(rng: random.Random, lat: float, lon: float, lanes: Sequence[Lane]) -> tuple[Entrance, ...]:
    """Up to three entrances some ten metres from the middle, on sides of their own, one for each entry lane."""
    entries: list[LaneLabel | None] = [lane.label for lane in lanes if lane.direction == "entry"]
    entries = entries[:3] or [None]
    sides = rng.sample(range(4), len(entries))
    entrances = []
    for lane, side in zip(entries, sides, strict=True):
        degrees = rng.uniform(20, 60) / 111_200
        bearing = math.pi / 2 * side  # east, south, west, north
        entrances.append(
            Entrance(
                lat=round(lat - degrees * math.sin(bearing), 6),
                lon=round(lon + degrees * math.cos(bearing) / math.cos(math.radians(lat)), 6),
                name=Name(*_SIDES[side]),
                lane=lane,
            )
        )
    return tuple(entrances)
