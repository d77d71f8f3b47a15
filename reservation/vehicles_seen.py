"""Whose promise a passage is of. Pure.

A vehicle is a plate and its colour. Where the camera did not tell the colour, the plate alone is enough as long as only
one vehicle of that plate has a promise here. An unlicensed vehicle has no plate: its driver shows the pass.
"""

from collections.abc import Iterable

from contracts.facts import PassageSeen
from kernel.db import Row


def promises_of(passage: PassageSeen, rows: Iterable[Row]) -> list[Row]:
    """Those of `rows` that were made to the vehicle of `passage`, at this car park, before it came; earliest first."""
    if passage.plate is None:
        return []
    same = [row for row in rows if row["car_park"] == passage.car_park and row["plate"] == passage.plate]
    if passage.color is None:
        same = same if len({row["color"] for row in same}) == 1 else []
    else:
        same = [row for row in same if row["color"] == passage.color]
    return sorted((row for row in same if row["created_at"] <= passage.at), key=lambda row: (row["begins"], row["id"]))
