"""`/v1/operator/...`: how a car park promises, what is promised there, and taking a promise back."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import CarParkId, Slug
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Page, decode_cursor, encode_cursor, operation
from kernel.moments import YEAR_MAX, YEAR_MIN, Moment
from reservation.cancel import cancel_promise
from reservation.errors import UnknownCarPark, UnknownReservation, WrongState
from reservation.http.reservations import Limit, PathReservation, States
from reservation.http.views import ReservationView
from reservation.policy import Policy
from reservation.set_policy import set_policy
from reservation.sql import operators as sql

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="Why, in words for the driver, who is told; stays with the reservation and in the audit."),
]
Day = Annotated[
    date | None,
    Field(
        ge=date(YEAR_MIN + 1, 1, 1),
        le=date(YEAR_MAX, 12, 31),
        description="Of the car park's own time zone: promises of which some part is in it.",
    ),
]
_FIRST: Final = datetime(YEAR_MIN, 3, 1, tzinfo=UTC)
_LAST: Final = datetime(YEAR_MAX + 1, 12, 31, tzinfo=UTC)


class PolicyView(BaseModel):
    """How a car park promises. Of `policy`, `defaults` names what its operator has not set."""

    model_config = ConfigDict(frozen=True)

    car_park: str
    policy: Policy
    defaults: list[str]
    updated_at: Moment | None = Field(description="Null: all of it is default.")

    @classmethod
    def of(cls, car_park: str, row: Row) -> "PolicyView":
        policy = Policy.model_validate(row["policy"] or {})
        defaults = [name for name in Policy.model_fields if name not in policy.model_fields_set]
        return cls(car_park=car_park, policy=policy, defaults=defaults, updated_at=row["updated_at"])


class CancelIn(BaseModel):
    """Why the promise is taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason


class OperatorReservationsApi:
    """What operators see and do; every write is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/car-parks/{car_park}/reservation-policy",
        summary="How a car park promises",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: PolicyView},
        problems=(UnknownCarPark,),
    )
    async def policy(self, caller: Caller, car_park: Slug) -> PolicyView:
        """All of it, with what is default."""
        async with self._db.transaction(readonly=True) as tx:
            return PolicyView.of(car_park, await _own(tx, caller, car_park))

    @operation(
        put="/v1/operator/car-parks/{car_park}/reservation-policy",
        summary="Set how a car park promises",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: PolicyView},
        problems=(UnknownCarPark,),
    )
    async def put_policy(self, caller: Caller, car_park: Slug, wanted: Policy) -> PolicyView:
        """What is left out is the default from now on. Promises and offers already made keep their price and terms."""
        async with self._db.transaction() as tx:
            row = await set_policy(tx, caller, CarParkId(car_park), wanted, self._record_audit)
            return PolicyView.of(car_park, row)

    @operation(
        get="/v1/operator/car-parks/{car_park}/reservations",
        summary="The reservations of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ReservationView]},
        problems=(UnknownCarPark,),
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        day: Day = None,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ReservationView]:
        """The latest beginning first."""
        below = (_LAST, "~") if cursor is None else _key(cursor)
        async with self._db.transaction(readonly=True) as tx:
            own = await _own(tx, caller, car_park)
            during = (_FIRST, _LAST) if day is None else _whole(day, own["time_zone"])
            rows = await sql.page_of_car_park(
                tx, CarParkId(car_park), during, states=state or None, below=below, limit=limit + 1
            )
            shown = [ReservationView.of(tx, row) for row in rows[:limit]]
        following = None
        if len(rows) > limit:
            following = encode_cursor((shown[-1].begins - _FIRST) // timedelta(microseconds=1), shown[-1].id)
        return Page(items=shown, next=following)

    @operation(
        post="/v1/operator/reservations/{reservation}/cancel",
        summary="Take a promise back",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: ReservationView},
        problems=(UnknownReservation, WrongState),
    )
    async def cancel(self, tx: Tx, caller: Caller, reservation: PathReservation, wanted: CancelIn) -> ReservationView:
        """It costs the driver nothing, and the driver is told the reason."""
        own = await sql.own_reservation(tx, reservation, caller)
        if own is None:
            raise UnknownReservation(reservation=reservation)
        row = await cancel_promise(tx, reservation, driver=None, cause="operator", reason=wanted.reason)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=own["operator"],
            action="reservation.cancel",
            subject=f"reservation/{reservation}",
            detail={"car_park": own["car_park"], "reason": wanted.reason},
        )
        return ReservationView.of(tx, row)


async def _own(tx: Tx, caller: Caller, car_park: str) -> Row:
    own = await sql.own_car_park(tx, CarParkId(car_park), caller)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    return own


def _whole(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """From midnight to midnight there, which may be 23 or 25 hours."""
    zone = ZoneInfo(time_zone)
    begins = datetime.combine(day, time(), zone)
    return begins.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _key(cursor: str) -> tuple[datetime, str]:
    """The key below which the page begins. Raises InvalidParameter."""
    microseconds, last = decode_cursor(cursor, int, str)
    longest = (_LAST - _FIRST) // timedelta(microseconds=1)
    return _FIRST + timedelta(microseconds=max(0, min(microseconds, longest))), last
