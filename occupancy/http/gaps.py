"""`GET /v1/operator/car-parks/{car_park}/gaps`: what was lost on the way, and how it was made good."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import CarParkId, Slug
from kernel.callers import Caller
from kernel.db import Database, Row
from kernel.http import LIMIT_DEFAULT, OPERATE, Cursor, Limit, Page, decode_cursor, operation, page_by
from occupancy.errors import UnknownCarPark
from occupancy.sql import gaps as sql
from occupancy.sql import operators as operators_sql

NEWEST = 2**62
"""No gap has so great a number."""


class MissingNumbers(BaseModel):
    """Both ends included."""

    model_config = ConfigDict(frozen=True)

    from_seq: int
    to_seq: int


class GapView(BaseModel):
    """Numbers that a sensor (`space`) or a counter (`zone`, "" = the whole car park) left out.

    `missing` is what has not come to this day. `healed` says how it was made good: `late` (all of them came),
    `snapshot` (its present state was told again; what was missing stays unknown in history), `unanswered` (asked in
    vain).
    """

    model_config = ConfigDict(frozen=True)

    space: str | None
    zone: str | None
    epoch: str
    from_seq: int
    to_seq: int
    missing: list[MissingNumbers]
    seen_at: datetime
    healed_at: datetime | None
    healed: Literal["late", "snapshot", "unanswered"] | None

    @classmethod
    def of(cls, row: Row) -> "GapView":
        missing = [MissingNumbers(from_seq=part.lower, to_seq=part.upper - 1) for part in row["missing"]]
        return cls.model_validate({**row, "missing": missing, "healed": row["how"]})


class GapsApi:
    """Reads gaps; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(
        get="/v1/operator/car-parks/{car_park}/gaps",
        summary="What was lost on the way from a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[GapView]},
        problems=(UnknownCarPark,),
    )
    async def gaps(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        open: Annotated[bool | None, Field(description="Only those not made good yet, or only the others.")] = None,  # noqa: A002 - the parameter's name
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[GapView]:
        """The newest first."""
        below = NEWEST if cursor is None else decode_cursor(cursor, int)[0]
        async with self._database.transaction(readonly=True) as tx:
            own = await operators_sql.own_car_park(tx, CarParkId(car_park), caller)
            if own is None:
                raise UnknownCarPark(car_park=car_park)
            rows = await sql.gaps_page(tx, own, only_open=open, below=below, limit=limit + 1)
        return page_by("number", rows, limit, GapView.of)
