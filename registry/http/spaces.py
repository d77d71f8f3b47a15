"""`/v1/operator/car-parks/{car_park}/spaces`: one numbered space at a time."""

from pydantic import Field

from contracts.ids import CarParkId, Label, SpaceLabel, ZoneLabel
from kernel.db import Database
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    after_id,
    encode_cursor,
    operation,
)
from registry.access import own_car_park
from registry.bodies import Features, Wanted
from registry.catalogue import Space
from registry.change_parts import PartChange
from registry.errors import UnknownCarPark, UnknownSpace
from registry.http.car_parks import PathId
from registry.http.parts import PART_OF, PUT_PROBLEMS, change, created_or_same, said
from registry.part_lists import part_of, with_part, without_part
from registry.sql import parts
from registry.views import SpaceView
from registry.wanted import Parts


class SpaceBody(Wanted):
    """A numbered space."""

    zone: Label | None = None
    features: Features = Field(default_factory=list)


class SpacesApi:
    """Numbered spaces of a car park."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get=f"{PART_OF}/spaces",
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
        return Page(items=[SpaceView.of(space) for space in shown], next=following)

    @operation(
        put=f"{PART_OF}/spaces/{{space}}",
        summary="Set up or change a space",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: SpaceView, 201: SpaceView},
        problems=PUT_PROBLEMS,
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
        wish = PartChange(
            "space.change", made.label, said(wanted), lambda has: Parts(spaces=with_part(has.spaces, made))
        )
        has, _ = await change(self._db, caller, car_park, wish)
        is_new = part_of(has.spaces, made.label) is None
        return created_or_same(SpaceView.of(made), f"/v1/operator/car-parks/{car_park}/spaces", is_new=is_new)

    @operation(
        delete=f"{PART_OF}/spaces/{{space}}",
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
            if part_of(has.spaces, label) is None:
                raise UnknownSpace(car_park=car_park, space=space)
            return Parts(spaces=without_part(has.spaces, label))

        await change(self._db, caller, car_park, PartChange("space.retire", label, {}, apply))
        return NoContent()
