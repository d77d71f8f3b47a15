"""What the edges of zones, spaces and lanes share: one part of a car park changes at a time."""

from typing import Any, Final, TypeVar

from contracts.ids import CarParkId
from kernel.db import Database
from kernel.http import Caller, Created
from registry.bodies import Wanted
from registry.change_parts import PartChange, change_parts
from registry.errors import CapacityExceeded, UndeclaredZone, UnknownCarPark
from registry.views import LaneView, SpaceView, ZoneView
from registry.wanted import Parts

PART_OF: Final = "/v1/operator/car-parks/{car_park}"
PUT_PROBLEMS: Final = (UnknownCarPark, UndeclaredZone, CapacityExceeded)

PartView = TypeVar("PartView", ZoneView, SpaceView, LaneView)


async def change(db: Database, caller: Caller, car_park: str, wish: PartChange) -> tuple[Parts, Parts]:
    """Make the change in a transaction of its own; the parts before, and those that differ now."""
    async with db.transaction() as tx:
        return await change_parts(tx, caller, CarParkId(car_park), wish)


def said(wanted: Wanted) -> dict[str, Any]:
    """The fields that a request named, for the audit trail."""
    return wanted.model_dump(mode="json", exclude_unset=True)


def created_or_same(view: PartView, location: str, *, is_new: bool) -> PartView | Created[PartView]:
    """201 for a part that is new, 200 for one that was there; `location` is the list it is in."""
    return Created(location, view) if is_new else view
