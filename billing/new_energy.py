"""Whether a vehicle runs on new energy: its plate is green, or of a large one yellow and green. Pure."""

from typing import Final

_COLORS: Final = frozenset({"green", "yellow_green"})


def is_new_energy(color: str | None) -> bool:
    """By the colour of its plate (GA 36-2018)."""
    return color in _COLORS
