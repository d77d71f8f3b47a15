"""How far one walks from a car park, as long as no streets are known: the straight line, longer by a factor. Pure."""

from typing import Final

DETOUR: Final = 1.3
"""Walked metres to a metre of straight line: streets of a grid make 1 (along one) to 1.41 (across), 1.27 on average."""
METRES_PER_SECOND: Final = 1.2
"""As crossings are timed for: most people are a little faster, children and old people slower."""


def walk_m(distance_m: int) -> int:
    """Metres on foot over `distance_m` of straight line."""
    return round(distance_m * DETOUR)


def walk_s(distance_m: int) -> int:
    """Seconds on foot over `distance_m` of straight line."""
    return round(walk_m(distance_m) / METRES_PER_SECOND)
