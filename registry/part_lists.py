"""Lists of zones, spaces or lanes with one of them put in, taken out or looked up."""

from collections.abc import Iterable
from typing import TypeVar

from registry.catalogue import Lane, Space, Zone

Part = TypeVar("Part", Zone, Space, Lane)


def part_of(parts: Iterable[Part] | None, label: str) -> Part | None:
    """The one called `label`."""
    return next((part for part in parts or () if part.label == label), None)


def with_part(parts: Iterable[Part] | None, made: Part) -> list[Part]:
    """The list with `made` in the place of what was called the same."""
    others: list[Part] = [part for part in parts or () if part.label != made.label]
    others.append(made)
    return others


def without_part(parts: Iterable[Part] | None, label: str) -> list[Part]:
    """The list without the one called `label`."""
    return [part for part in parts or () if part.label != label]
