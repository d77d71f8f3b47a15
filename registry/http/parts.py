"""`/v1/operator/car-parks/{car_park}/zones`, `/spaces` and `/lanes`: one part at a time."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import Field

from contracts.ids import CarParkId, Label, LaneLabel, SpaceLabel, ZoneLabel
from kernel.db import Database
from kernel.http import Caller, Created, NoContent, Page, encode_cursor, operation
from registry.access import own_car_park
from registry.bodies import Capacity, Features, Wanted
from registry.catalogue import Direction, Lane, Space, Zone
from registry.change_parts import PartChange, change_parts
from registry.errors import (
    CapacityExceeded,
    UndeclaredZone,
    UnknownCarPark,
    UnknownLane,
    UnknownSpace,
    UnknownZone,
    ZoneInUse,
)
from registry.http.car_parks import PathId
from registry.http.paging import LIMIT_DEFAULT, OPERATE, Cursor, Limit, after_id
from registry.sql import parts
from registry.views import LaneView, SpaceView, ZoneView
from registry.wanted import Parts

Part = TypeVar("Part", Zone, Space, Lane)
_BASE = "/v1/operator/car-parks/{car_park}"
_PROBLEMS = (UnknownCarPark, UndeclaredZone, CapacityExceeded)


class ZoneBody(Wanted):
    """A zone; without `capacity` it keeps what it has, or has as many as its numbered spaces."""

    capacity: Capacity | None = None
    level: Annotated[int, Field(ge=-50, le=200)] | None = None


class SpaceBody(Wanted):
    """A numbered space."""

    zone: Label | None = None
    features: Features = Field(default_factory=list)


class LaneBody(Wanted):
    """A lane."""

    direction: Direction = "both"
    zone: Label | None = None


class PartsApi:
    """Zones, spaces and lanes of a car park."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get=f"{_BASE}/zones",
        summary="Zones of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ZoneView]},
        problems=(UnknownCarPark,),
    )
    async def zones(self, caller: Caller, car_park: PathId) -> Page[ZoneView]:
        """All of them."""
        async with self._db.transaction(readonly=True) as tx:
            await own_car_park(tx, caller, CarParkId(car_park))
            found = await parts.find_zones(tx, CarParkId(car_park))
        return Page(items=[_zone_view(zone) for zone in found])

    @operation(
        put=f"{_BASE}/zones/{{zone}}",
        summary="Set up or change a zone",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ZoneView, 201: ZoneView},
        problems=_PROBLEMS,
    )
    async def put_zone(
        self, caller: Caller, car_park: PathId, zone: Label, wanted: ZoneBody
    ) -> ZoneView | Created[ZoneView]:
        """What is left out stays as it is."""
        label = ZoneLabel(zone)

        def apply(has: Parts) -> Parts:
            known = _find(has.zones, label)
            numbered = sum(1 for space in has.spaces or () if space.zone == label)
            made = known or Zone(label, numbered)
            if "capacity" in wanted.model_fields_set and wanted.capacity is not None:
                made = replace(made, capacity=wanted.capacity)
            if "level" in wanted.model_fields_set:
                made = replace(made, level=wanted.level)
            return Parts(zones=_with(has.zones, made))

        has, after = await self._change(caller, car_park, PartChange("zone.change", label, _said(wanted), apply))
        made = _find(after.zones, label)
        assert made is not None  # noqa: S101  # it was put there by apply
        return _answer(_zone_view(made), f"/v1/operator/car-parks/{car_park}/zones", is_new=not _find(has.zones, label))

    @operation(
        delete=f"{_BASE}/zones/{{zone}}",
        summary="Remove a zone",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCarPark, UnknownZone, ZoneInUse),
    )
    async def delete_zone(self, caller: Caller, car_park: PathId, zone: Label) -> NoContent:
        """Refused while a space, lane or device names it."""
        label = ZoneLabel(zone)

        def apply(has: Parts) -> Parts:
            if _find(has.zones, label) is None:
                raise UnknownZone(car_park=car_park, zone=zone)
            return Parts(zones=_without(has.zones, label))

        await self._change(caller, car_park, PartChange("zone.remove", label, {}, apply))
        return NoContent()

    @operation(
        get=f"{_BASE}/spaces",
        summary="Numbered spaces of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[SpaceView]},
        problems=(UnknownCarPark,),
    )
    async def spaces(
        self, caller: Caller, car_park: PathId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[SpaceView]:
        """By label."""
        async with self._db.transaction(readonly=True) as tx:
            await own_car_park(tx, caller, CarParkId(car_park))
            found = await parts.find_spaces(tx, CarParkId(car_park), after=after_id(cursor), limit=limit + 1)
        shown = found[:limit]
        following = encode_cursor(shown[-1].label) if len(found) > limit else None
        return Page(items=[_space_view(space) for space in shown], next=following)

    @operation(
        put=f"{_BASE}/spaces/{{space}}",
        summary="Set up or change a space",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: SpaceView, 201: SpaceView},
        problems=_PROBLEMS,
    )
    async def put_space(
        self, caller: Caller, car_park: PathId, space: Label, wanted: SpaceBody
    ) -> SpaceView | Created[SpaceView]:
        """A label that was retired comes back with its number."""
        made = Space(
            SpaceLabel(space),
            None if wanted.zone is None else ZoneLabel(wanted.zone),
            tuple(dict.fromkeys(wanted.features)),
        )
        change = PartChange(
            "space.change", made.label, _said(wanted), lambda has: Parts(spaces=_with(has.spaces, made))
        )
        has, _ = await self._change(caller, car_park, change)
        is_new = _find(has.spaces, made.label) is None
        return _answer(_space_view(made), f"/v1/operator/car-parks/{car_park}/spaces", is_new=is_new)

    @operation(
        delete=f"{_BASE}/spaces/{{space}}",
        summary="Retire a space",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCarPark, UnknownSpace),
    )
    async def delete_space(self, caller: Caller, car_park: PathId, space: Label) -> NoContent:
        """Its history stays; the car park's capacity is not changed."""
        label = SpaceLabel(space)

        def apply(has: Parts) -> Parts:
            if _find(has.spaces, label) is None:
                raise UnknownSpace(car_park=car_park, space=space)
            return Parts(spaces=_without(has.spaces, label))

        await self._change(caller, car_park, PartChange("space.retire", label, {}, apply))
        return NoContent()

    @operation(
        get=f"{_BASE}/lanes",
        summary="Lanes of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[LaneView]},
        problems=(UnknownCarPark,),
    )
    async def lanes(self, caller: Caller, car_park: PathId) -> Page[LaneView]:
        """All of them."""
        async with self._db.transaction(readonly=True) as tx:
            await own_car_park(tx, caller, CarParkId(car_park))
            found = await parts.find_lanes(tx, CarParkId(car_park))
        return Page(items=[_lane_view(lane) for lane in found])

    @operation(
        put=f"{_BASE}/lanes/{{lane}}",
        summary="Set up or change a lane",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: LaneView, 201: LaneView},
        problems=_PROBLEMS,
    )
    async def put_lane(
        self, caller: Caller, car_park: PathId, lane: Label, wanted: LaneBody
    ) -> LaneView | Created[LaneView]:
        """`direction` is `entry`, `exit` or `both`."""
        made = Lane(LaneLabel(lane), wanted.direction, None if wanted.zone is None else ZoneLabel(wanted.zone))
        change = PartChange("lane.change", made.label, _said(wanted), lambda has: Parts(lanes=_with(has.lanes, made)))
        has, _ = await self._change(caller, car_park, change)
        is_new = _find(has.lanes, made.label) is None
        return _answer(_lane_view(made), f"/v1/operator/car-parks/{car_park}/lanes", is_new=is_new)

    @operation(
        delete=f"{_BASE}/lanes/{{lane}}",
        summary="Remove a lane",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCarPark, UnknownLane),
    )
    async def delete_lane(self, caller: Caller, car_park: PathId, lane: Label) -> NoContent:
        """Its passages stay."""
        label = LaneLabel(lane)

        def apply(has: Parts) -> Parts:
            if _find(has.lanes, label) is None:
                raise UnknownLane(car_park=car_park, lane=lane)
            return Parts(lanes=_without(has.lanes, label))

        await self._change(caller, car_park, PartChange("lane.remove", label, {}, apply))
        return NoContent()

    async def _change(self, caller: Caller, car_park: str, change: PartChange) -> tuple[Parts, Parts]:
        """The parts before, and those that differ now."""
        async with self._db.transaction() as tx:
            return await change_parts(tx, caller, CarParkId(car_park), change)


def _said(wanted: Wanted) -> dict[str, Any]:
    return wanted.model_dump(mode="json", exclude_unset=True)


def _find(items: Iterable[Part] | None, label: str) -> Part | None:
    return next((item for item in items or () if item.label == label), None)


def _with(items: Iterable[Part] | None, made: Part) -> list[Part]:
    others: list[Part] = [item for item in items or () if item.label != made.label]
    others.append(made)
    return others


def _without(items: Iterable[Part] | None, label: str) -> list[Part]:
    return [item for item in items or () if item.label != label]


View = TypeVar("View", ZoneView, SpaceView, LaneView)


def _answer(view: View, location: str, *, is_new: bool) -> View | Created[View]:
    return Created(location, view) if is_new else view


def _zone_view(zone: Zone) -> ZoneView:
    return ZoneView(zone=zone.label, capacity=zone.capacity, level=zone.level)


def _space_view(space: Space) -> SpaceView:
    return SpaceView(space=space.label, zone=space.zone, features=list(space.features))


def _lane_view(lane: Lane) -> LaneView:
    return LaneView(lane=lane.label, direction=lane.direction, zone=lane.zone)
