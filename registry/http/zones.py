"""`/v1/operator/car-parks/{car_park}/zones`: one zone at a time."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from contracts.ids import CarParkId, Label, ZoneLabel
from kernel.db import Database
from kernel.http import OPERATE, Caller, Created, NoContent, Page, operation
from registry.access import own_car_park
from registry.bodies import Capacity, Wanted
from registry.catalogue import Zone
from registry.change_parts import PartChange
from registry.errors import UnknownCarPark, UnknownZone, ZoneInUse
from registry.http.car_parks import PathId
from registry.http.parts import PART_OF, PUT_PROBLEMS, change, created_or_same, said
from registry.part_lists import part_of, with_part, without_part
from registry.sql import parts
from registry.views import ZoneView
from registry.wanted import Parts


class ZoneBody(Wanted):
    """A zone; without `capacity` it keeps what it has, or has as many as its numbered spaces."""

    capacity: Capacity | None = None
    level: Annotated[int, Field(ge=-50, le=200)] | None = None


class ZonesApi:
    """Zones of a car park."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get=f"{PART_OF}/zones",
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
        return Page(items=[ZoneView.of(zone) for zone in found])

    @operation(
        put=f"{PART_OF}/zones/{{zone}}",
        summary="Set up or change a zone",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ZoneView, 201: ZoneView},
        problems=PUT_PROBLEMS,
    )
    async def put_zone(
        self, caller: Caller, car_park: PathId, zone: Label, wanted: ZoneBody
    ) -> ZoneView | Created[ZoneView]:
        """What is left out stays as it is."""
        label = ZoneLabel(zone)

        def apply(has: Parts) -> Parts:
            known = part_of(has.zones, label)
            numbered = sum(1 for space in has.spaces or () if space.zone == label)
            made = known or Zone(label, numbered)
            if "capacity" in wanted.model_fields_set and wanted.capacity is not None:
                made = replace(made, capacity=wanted.capacity)
            if "level" in wanted.model_fields_set:
                made = replace(made, level=wanted.level)
            return Parts(zones=with_part(has.zones, made))

        has, after = await change(self._db, caller, car_park, PartChange("zone.change", label, said(wanted), apply))
        made = part_of(after.zones, label)
        assert made is not None  # noqa: S101  # it was put there by apply
        return created_or_same(
            ZoneView.of(made), f"/v1/operator/car-parks/{car_park}/zones", is_new=not part_of(has.zones, label)
        )

    @operation(
        delete=f"{PART_OF}/zones/{{zone}}",
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
            if part_of(has.zones, label) is None:
                raise UnknownZone(car_park=car_park, zone=zone)
            return Parts(zones=without_part(has.zones, label))

        await change(self._db, caller, car_park, PartChange("zone.remove", label, {}, apply))
        return NoContent()
