"""`/v1/operator/...`: what is owed at a car park, and who stands before its barriers."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from billing.errors import UnknownCarPark, UnknownCharge
from billing.http.charge_views import ChargeView, ChargeWhole
from billing.http.charge_views import PathCharge as ChargeId
from billing.http.charges import States, whole
from billing.own_place import own_place
from billing.sql import charge_lists as sql
from billing.sql import decisions
from billing.sql.policies import policy_of
from contracts.ids import Slug
from kernel.db import Database, Row
from kernel.http import OPERATE, Caller, Cursor, Limit, Page, below_id, operation, page_by
from kernel.moments import YEAR_MAX, YEAR_MIN, Moment
from kernel.money import Money

Day = Annotated[
    date | None,
    Field(
        ge=date(YEAR_MIN + 1, 1, 1),
        le=date(YEAR_MAX, 12, 31),
        description="Of the car park's own time zone: those that were made on it.",
    ),
]


class WaitingView(BaseModel):
    """A vehicle before a barrier. `charge` null: nobody knows what it costs, staff are needed."""

    model_config = ConfigDict(frozen=True)

    lane: str
    since: Moment
    session: str
    way: str
    plate: str | None
    color: str | None
    ticket: str | None
    charge: str | None
    open: Money | None


class OperatorChargesApi:
    """What operators see of what is owed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get="/v1/operator/car-parks/{car_park}/charges",
        summary="The charges of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ChargeView]},
        problems=(UnknownCarPark,),
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        state: States = [],  # noqa: B006 - never changed
        day: Day = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ChargeView]:
        """Newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            own = await own_place(tx, caller, car_park)
            during = None if day is None else _whole(day, own["time_zone"])
            rows = await sql.page_of_car_park(tx, car_park, during, below=below, states=state or None, limit=limit + 1)
        return page_by("id", rows, limit, ChargeView.of)

    @operation(
        get="/v1/operator/charges/{charge}",
        summary="A charge with all that proves it",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ChargeWhole},
        problems=(UnknownCharge,),
    )
    async def one(self, caller: Caller, charge: ChargeId) -> ChargeWhole:
        """As its driver sees it."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read_own(tx, charge, caller)
            if row is None:
                raise UnknownCharge(charge=charge)
            return await whole(tx, row)

    @operation(
        get="/v1/operator/car-parks/{car_park}/waiting",
        summary="Who stands before the barriers",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[WaitingView]},
        problems=(UnknownCarPark,),
    )
    async def waiting(self, caller: Caller, car_park: Slug) -> Page[WaitingView]:
        """Vehicles that have to pay before they leave, or need staff; one a lane, the longest waiting first."""
        async with self._db.transaction(readonly=True) as tx:
            await own_place(tx, caller, car_park)
            policy = await policy_of(tx, car_park)
            rows = await decisions.waiting(tx, car_park, None, tx.now - timedelta(seconds=policy.barrier_wait_s))
        return Page(items=[_waiting(row) for row in rows])


def _waiting(row: Row) -> WaitingView:
    return WaitingView(
        lane=row["lane"],
        since=row["since"],
        session=row["session"],
        way=row["at_exit"]["way"],
        plate=row["plate"],
        color=row["color"],
        ticket=row["ticket"],
        charge=row["charge"],
        open=None if row["charge"] is None else Money(amount=row["amount"] - row["paid"]),
    )


def _whole(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """From midnight to midnight there."""
    zone = ZoneInfo(time_zone)
    begins = datetime.combine(day, time(), zone)
    return begins.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
