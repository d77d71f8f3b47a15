"""What the cameras at lanes read: the plate, a plate like it, or nothing; some car parks have none. Pure, seeded.

A lane without a camera counts all the same: it tells of vehicles that nobody knows. Drivers who have an app are always
read, so that what becomes of their trips depends on nobody's eyes.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.wire import Plate
from simulators.plates import DRIVERS_FROM, plate_of

CONFUSED: Final[Mapping[str, str]] = dict(zip("0D8B172Z5S", "D0B871Z2S5", strict=True))
"""Characters that look alike; O is no part of a plate."""
_CAME_BEFORE_S: Final = (600.0, 10_800.0)
"""Seconds that those who are inside when we begin have been there: the tariffs of before are made for slower cities."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`plate` and `ticket` None: the lane saw a vehicle, and does not know which."""

    plate: Plate | None
    ticket: str | None
    confidence: float | None


Read = Callable[[int], Reading]
"""Of a vehicle by its number."""


def sharp(vehicle: int) -> Reading:
    """Always right; the few without a plate have a ticket."""
    plate = plate_of(vehicle)
    confidence = round(1 - (vehicle * 7919 % 1000) ** 2 / 12_000_000, 3)
    return Reading(plate, None if plate is not None else f"t{vehicle:09}", confidence)


def blind(vehicle: int) -> Reading:
    """No camera: only drivers who show an app are known."""
    return sharp(vehicle) if vehicle >= DRIVERS_FROM else Reading(None, None, None)


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """How many spaces lie in car parks whose lanes read plates (None: all), and the rates, from 0 to 1, of plates with
    one character `misread` and of vehicles `missed`.
    """

    spaces: int | None = None
    misread: float = 0.0
    missed: float = 0.0

    def __post_init__(self) -> None:
        if not (self.misread >= 0 and self.missed >= 0 and self.misread + self.missed <= 1):
            raise ValueError("misread and missed are rates, together at most 1")


def cameras_of(plan: CameraPlan, seed: int, sizes: Mapping[str, int]) -> dict[str, Read]:
    """What reads at each car park of `sizes` (spaces by id); with a limit, smaller ones have cameras first."""
    left, found = plan.spaces, dict[str, Read]()
    for car_park, size in sorted(sizes.items(), key=lambda pair: (pair[1], pair[0])):
        if left is not None and size > left:
            found[car_park] = blind
            continue
        left = None if left is None else left - size
        is_sharp = plan.misread == plan.missed == 0
        found[car_park] = sharp if is_sharp else _Blurred(plan, f"{seed} {car_park}")
    return found


def misread(plate: Plate, dice: random.Random) -> Plate:
    """With one character taken for another, where it has one that can be."""
    places = [place for place in range(1, len(plate.plate)) if plate.plate[place] in CONFUSED]
    if not places:
        return plate
    place = dice.choice(places)
    text = plate.plate[:place] + CONFUSED[plate.plate[place]] + plate.plate[place + 1 :]
    return Plate(text, plate.color)


def came_before(vehicles: Sequence[int], began: datetime) -> dict[int, datetime]:
    """When those who are inside at the beginning came; the same vehicle always as long before."""
    return {
        vehicle: began - timedelta(seconds=round(random.Random(vehicle).uniform(*_CAME_BEFORE_S), 3))  # noqa: S311
        for vehicle in vehicles
        if vehicle < DRIVERS_FROM
    }


class _Blurred:
    """A camera that is wrong now and then."""

    def __init__(self, plan: CameraPlan, seed: str) -> None:
        self._plan = plan
        self._dice = random.Random(seed)  # noqa: S311 - a seeded play

    def __call__(self, vehicle: int) -> Reading:
        right = sharp(vehicle)
        if vehicle >= DRIVERS_FROM or right.plate is None:
            return right
        drawn = self._dice.random()
        if drawn < self._plan.missed:
            return Reading(None, None, None)
        if drawn < self._plan.missed + self._plan.misread:
            return Reading(misread(right.plate, self._dice), None, round(self._dice.uniform(0.55, 0.89), 3))
        return right
