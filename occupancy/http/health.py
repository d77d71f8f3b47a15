"""`/v1/operator/health` and what belongs to it: how good my data is, why, and which device needs a visit."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from contracts.ids import CarParkId, Slug
from kernel.db import Database
from kernel.http import LIMIT_DEFAULT, OPERATE, Caller, Cursor, Limit, Page, after_id, decode_cursor, operation, page_by
from occupancy.errors import UnknownCarPark
from occupancy.health_steps import judging_of
from occupancy.http.health_views import (
    CarParkHealth,
    CarParkHealthView,
    Figures,
    GapsNow,
    HourFigures,
    SourceHealth,
    SourcesNow,
    health_of,
    sum_of,
)
from occupancy.quality import WINDOW_H
from occupancy.settings import OccupancySettings
from occupancy.sql import devices as device_sql
from occupancy.sql import health as sql
from occupancy.sql import health_reading as reading
from occupancy.sql.gaps import gaps_by_fate


class HealthApi:
    """Reads what `occupancy.watch_health` counted; an operator's key sees that operator's car parks only."""

    def __init__(self, database: Database, settings: OccupancySettings) -> None:
        self._database = database
        self._settings = settings

    @operation(
        get="/v1/operator/health",
        summary="The health of my data",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[CarParkHealth]},
    )
    async def list(self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Page[CarParkHealth]:
        """My car parks by their quality, worst first; those not rated yet last."""
        score, last = (-1, "") if cursor is None else decode_cursor(cursor, int, str)
        after = min(max(score, -1), reading.UNRATED), last
        async with self._database.transaction(readonly=True) as tx:
            rows = await reading.page_of_health(tx, caller.covered, after=after, limit=limit + 1)
        return page_by(("place", "id"), rows, limit, health_of)

    @operation(
        get="/v1/operator/car-parks/{car_park}/health",
        summary="The health of one car park's data",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CarParkHealthView},
        problems=(UnknownCarPark,),
    )
    async def one(self, caller: Caller, car_park: Slug) -> CarParkHealthView:
        """Its score with reasons, what was seen today and in the last 24 hours, hour by hour."""
        operators = caller.covered
        async with self._database.transaction(readonly=True) as tx:
            row = await reading.find_health(tx, CarParkId(car_park), operators)
            if row is None:
                raise UnknownCarPark(f"you have no car park {car_park!r}", car_park=car_park)
            day_ago = tx.now - timedelta(hours=WINDOW_H)
            today = _midnight(tx.now, row["time_zone"])
            since = min(day_ago, today)
            hours = (await sql.hours_of(tx, [row["id"]], since))[row["id"]]
            gaps = await gaps_by_fate(tx, row["id"], day_ago)
            counts = await device_sql.count_sources(tx, operators, row["id"], judging_of(self._settings))
        last = [hour for hour in hours if hour.hour > day_ago]
        return CarParkHealthView(
            **health_of(row).model_dump(),
            devices=SourcesNow(
                known=counts["sources"] if counts else 0,
                silent=counts["silent"] if counts else 0,
                battery_low=counts["low"] if counts else 0,
            ),
            gaps_last_24h=GapsNow(**{fate: gaps.get(fate, 0) for fate in GapsNow.model_fields}),
            today=sum_of(today, (hour for hour in hours if hour.hour >= today)),
            last_24h=sum_of(day_ago, last),
            hours=[HourFigures.model_validate(Figures.of(hour).model_dump() | {"at": hour.hour}) for hour in last],
        )

    @operation(
        get="/v1/operator/car-parks/{car_park}/devices",
        summary="The health of one car park's devices",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[SourceHealth]},
        problems=(UnknownCarPark,),
    )
    async def devices(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        silent: bool | None = None,
        battery_below: Annotated[float | None, Field(ge=0, le=1, description="Or the device says it is low.")] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[SourceHealth]:
        """Everything that reports or should: registered devices, and what speaks without being registered."""
        operators = caller.covered
        async with self._database.transaction(readonly=True) as tx:
            known = await reading.find_health(tx, CarParkId(car_park), operators)
            if known is None:
                raise UnknownCarPark(f"you have no car park {car_park!r}", car_park=car_park)
            rows = await device_sql.page_of_sources(
                tx,
                operators,
                CarParkId(car_park),
                judging_of(self._settings),
                silent=silent,
                battery_below=battery_below,
                after=after_id(cursor),
                limit=limit + 1,
            )
        return page_by("source", rows, limit, lambda row: SourceHealth(**dict(row)))


def _midnight(now: datetime, time_zone: str) -> datetime:
    local = now.astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
