"""`/v1/operator/car-parks`: set up, read, close, retire; `/v1/operator/inventory`: all of it in one stream."""

from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field, StringConstraints

from contracts.ids import CarParkId, Slug
from contracts.positions import Datum
from kernel.db import Database, Row
from kernel.edge_problems import MalformedBody
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
    operation,
    page_by,
)
from registry.access import operators_of, own_car_park
from registry.bodies import Text, Wanted
from registry.close_car_park import close_car_park
from registry.errors import (
    CapacityExceeded,
    OperatorIdReserved,
    UndeclaredZone,
    UnknownCarPark,
    UnknownOperator,
    ZoneInUse,
)
from registry.register import Surroundings, existing_parts, register_car_park
from registry.retire_car_park import retire_car_park
from registry.sql import bulk, car_parks
from registry.views import CarParkRow, CarParkView
from registry.wanted import CarParkIn

BODY_BYTES_MAX = 8 * 1024 * 1024
"""A car park of 50,000 spaces, each with its zone and features."""

PathId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class ClosureIn(Wanted):
    """Whether the car park is closed, and why."""

    closed: bool
    reason: Text | None = None


class OperatorCarParksApi:
    """Car parks as their operators see them."""

    def __init__(self, db: Database, city: Surroundings) -> None:
        self._db = db
        self._city = city

    @operation(
        get="/v1/operator/car-parks",
        summary="My car parks",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[CarParkRow]},
        problems=(UnknownOperator,),
    )
    async def list(
        self,
        caller: Caller,
        operator: Slug | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
        datum: Datum = Datum.WGS84,
    ) -> Page[CarParkRow]:
        """Without their spaces; by id."""
        operators = operators_of(caller, operator)
        async with self._db.transaction(readonly=True) as tx:
            rows = await car_parks.page_of_car_parks(tx, operators, after=after_id(cursor), limit=limit + 1)
        return page_by("id", rows, limit, lambda row: CarParkRow.of(row, datum))

    @operation(
        get="/v1/operator/car-parks/{car_park}",
        summary="One of my car parks with its zones, spaces and lanes",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CarParkView},
        problems=(UnknownCarPark,),
        etag=True,
    )
    async def one(self, caller: Caller, car_park: PathId, datum: Datum = Datum.WGS84) -> CarParkView:
        """In the shape that may be PUT back."""
        return await self._read(caller, CarParkId(car_park), datum)

    @operation(
        put="/v1/operator/car-parks/{car_park}",
        summary="Set up or change a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CarParkView, 201: CarParkView},
        problems=(
            UnknownCarPark,
            UnknownOperator,
            OperatorIdReserved,
            UndeclaredZone,
            CapacityExceeded,
            ZoneInUse,
        ),
        body_bytes_max=BODY_BYTES_MAX,
    )
    async def put(self, caller: Caller, car_park: PathId, wanted: CarParkIn) -> CarParkView | Created[CarParkView]:
        """What the body names is replaced; optional fields, `zones`, `spaces` and `lanes` left out stay as they are.

        A space that is missing from a given list is retired; its number comes back when its label does. `name` may be
        a string or `{"zh", "en"}`; items of `zones`, `spaces` and `lanes` may be labels alone. Where `zones` is left
        out, those that spaces name are made.
        """
        identity = CarParkId(car_park)
        async with self._db.transaction() as tx:
            is_new = await register_car_park(tx, self._city, caller, identity, wanted)
        view = await self._read(caller, identity, wanted.position.datum)
        return Created(f"/v1/operator/car-parks/{car_park}", view) if is_new else view

    @operation(
        delete="/v1/operator/car-parks/{car_park}",
        summary="Take a car park out of the city",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownCarPark,),
    )
    async def delete(self, caller: Caller, car_park: PathId) -> NoContent:
        """It vanishes from every list; its history stays, and a PUT brings it back."""
        async with self._db.transaction() as tx:
            await retire_car_park(tx, caller, CarParkId(car_park))
        return NoContent()

    @operation(
        put="/v1/operator/car-parks/{car_park}/closure",
        summary="Close or open a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CarParkRow},
        problems=(UnknownCarPark,),
    )
    async def close(self, caller: Caller, car_park: PathId, wanted: ClosureIn) -> CarParkRow:
        """`{"closed": true, "reason": "flooded"}`; drivers see the state `closed` until it is opened again."""
        if wanted.reason is not None and not wanted.closed:
            raise MalformedBody.of("reason", "an open car park has no reason to be closed: leave it out", wanted.reason)
        async with self._db.transaction() as tx:
            await close_car_park(tx, caller, CarParkId(car_park), closed=wanted.closed, reason=wanted.reason)
        view = await self._read(caller, CarParkId(car_park), Datum.WGS84)
        return CarParkRow(**{name: getattr(view, name) for name in CarParkRow.model_fields})

    @operation(
        get="/v1/operator/inventory",
        summary="Everything of mine as JSON lines",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: "application/x-ndjson"},
        problems=(UnknownOperator,),
    )
    async def inventory(
        self, caller: Caller, request: web.Request, operator: Annotated[Slug | None, Field()] = None
    ) -> web.StreamResponse:
        """A line a car park: `id operator name kind position district capacity reservable measured_by closed
        opening_hours time_zone zones lanes`, and `spaces`: labels by zone, "" where there is none.
        """
        operators = operators_of(caller, operator)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        response.enable_compression()
        await response.prepare(request)
        async with self._db.transaction(readonly=True) as tx:
            async for row in bulk.inventory(tx, operators):
                await response.write(_line(row))
        await response.write_eof()
        return response

    async def _read(self, caller: Caller, car_park: CarParkId, datum: Datum) -> CarParkView:
        async with self._db.transaction(readonly=True) as tx:
            row = await own_car_park(tx, caller, car_park)
            has = await existing_parts(tx, car_park)
        return CarParkView.whole(row, has, datum)


def _line(row: Row) -> bytes:
    kept = ("id", "operator", "kind", "district", "capacity", "reservable", "measured_by", "closed", "opening_hours")
    line = {name: row[name] for name in kept}
    line["name"] = {"zh": row["name_zh"], "en": row["name_en"]}
    line["position"] = {"lat": row["lat"], "lon": row["lon"]}
    line |= {name: row[name] for name in ("time_zone", "zones", "lanes", "spaces")}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
