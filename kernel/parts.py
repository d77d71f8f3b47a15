"""A long list, some at a time: what is done for each part stays short."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_parts(things: Sequence[T], at_once: int) -> Iterator[Sequence[T]]:
    """`things` in their order, `at_once` of them together; the last part may be shorter."""
    for start in range(0, len(things), at_once):
        yield things[start : start + at_once]
