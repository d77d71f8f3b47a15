"""`/v1/operator/car-parks/{car_park}/lanes`: one lane at a time."""

from contracts.ids import CarParkId, Label, LaneLabel, ZoneLabel
from kernel.db import Database
from kernel.http import OPERATE, Caller, Created, NoContent, Page, operation
from registry.access import own_car_park
from registry.bodies import Wanted
from registry.catalogue import Direction, Lane
from registry.change_parts import PartChange
from registry.errors import UnknownCarPark, UnknownLane
from registry.http.car_parks import PathId
from registry.http.parts import PART_OF, PUT_PROBLEMS, change, created_or_same, said
from registry.part_lists import part_of, with_part, without_part
from registry.sql import parts
from registry.views import LaneView
from registry.wanted import Parts


class LaneBody(Wanted):
    """A lane."""

    direction: Direction = "both"
    zone: Label | None = None


class LanesApi:
    """Lanes of a car park."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get=f"{PART_OF}/lanes",
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
        return Page(items=[LaneView.of(lane) for lane in found])

    @operation(
        put=f"{PART_OF}/lanes/{{lane}}",
        summary="Set up or change a lane",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: LaneView, 201: LaneView},
        problems=PUT_PROBLEMS,
    )
    async def put_lane(
        self, caller: Caller, car_park: PathId, lane: Label, wanted: LaneBody
    ) -> LaneView | Created[LaneView]:
        """`direction` is `entry`, `exit` or `both`."""
        made = Lane(LaneLabel(lane), wanted.direction, None if wanted.zone is None else ZoneLabel(wanted.zone))
        wish = PartChange("lane.change", made.label, said(wanted), lambda has: Parts(lanes=with_part(has.lanes, made)))
        has, _ = await change(self._db, caller, car_park, wish)
        is_new = part_of(has.lanes, made.label) is None
        return created_or_same(LaneView.of(made), f"/v1/operator/car-parks/{car_park}/lanes", is_new=is_new)

    @operation(
        delete=f"{PART_OF}/lanes/{{lane}}",
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
            if part_of(has.lanes, label) is None:
                raise UnknownLane(car_park=car_park, lane=lane)
            return Parts(lanes=without_part(has.lanes, label))

        await change(self._db, caller, car_park, PartChange("lane.remove", label, {}, apply))
        return NoContent()
