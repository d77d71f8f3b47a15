"""`/v1/waitlist`: wait for a space that is promised to others."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.http import Caller, Created, Cursor, NoContent, Page, below_id, operation, page_by
from kernel.moments import Moment
from reservation.errors import (
    AlreadyWaiting,
    NotReservable,
    NotShared,
    StillFree,
    TooManyWaits,
    UnknownCarPark,
    UnknownSpace,
    UnknownWait,
    VehiclePromised,
    WindowRefused,
    WrongState,
)
from reservation.http.reservations import READ, RESERVE, Limit
from reservation.join_waiting import join_waiting
from reservation.leave_waiting import leave_waiting
from reservation.place import PlaceIn, WindowIn, find_place
from reservation.sql import waits as sql
from reservation.stay import Stay

PathWait = Annotated[str, StringConstraints(pattern=r"^wai_[0-9a-f]{32}$")]


class WaitIn(PlaceIn, WindowIn):
    """What is waited for, as it would be held: `car_park`, `space` or both, `from`, `until`, and the vehicle."""

    vehicle: Vehicle


class WaitView(BaseModel):
    """A place in the line. Offered, `reservation` is a hold: confirm it until `offer_expires_at`."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    state: Literal["waiting", "offered", "taken", "lapsed", "left"]
    car_park: str
    space: str | None
    vehicle: Vehicle
    begins: Moment = Field(alias="from")
    until: Moment
    ahead: int | None = Field(description="While waiting: how many came before and wait for some of the same time.")
    reservation: str | None = Field(description="What was offered.")
    offer_expires_at: Moment | None = Field(description="While it is offered.")
    created_at: Moment
    ended_at: Moment | None

    @classmethod
    def of(cls, row: Row, now: datetime) -> Self:
        """As it is `now`, whether or not the sweep came by yet."""
        state, ended_at = row["shown"], row["ended_at"]
        if state == "waiting" and row["until"] <= now:
            state, ended_at = "lapsed", row["until"]
        if ended_at is None and state in ("taken", "lapsed"):
            ended_at = row["confirmed_at"] or row["kept_ended_at"] or row["hold_expires_at"]
        return cls(
            id=row["id"],
            state=state,
            car_park=row["car_park"],
            space=row["space_label"],
            vehicle=Vehicle.model_construct(plate=row["plate"], color=row["color"]),
            begins=row["begins"],
            until=row["until"],
            ahead=row["ahead"] if state == "waiting" else None,
            reservation=row["reservation"],
            offer_expires_at=row["hold_expires_at"] if state == "offered" else None,
            created_at=row["created_at"],
            ended_at=ended_at,
        )


class WaitlistApi:
    """A driver's own places in the lines."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        post="/v1/waitlist",
        summary="Wait for a space",
        tags=("reservations",),
        scopes=RESERVE,
        idempotent=True,
        responses={201: WaitView},
        problems=(
            UnknownCarPark,
            UnknownSpace,
            NotReservable,
            NotShared,
            WindowRefused,
            StillFree,
            VehiclePromised,
            AlreadyWaiting,
            TooManyWaits,
        ),
    )
    async def join(self, tx: Tx, caller: Caller, wanted: WaitIn) -> Created[WaitView]:
        """Who came first is offered first what comes free, as a hold to be confirmed in time; otherwise it is the next
        one's. `/v1/reservations/events` tells of it. What is free now is not waited for: `still-free`, hold it.
        """
        place = await find_place(tx, wanted)
        row = await join_waiting(tx, caller.id, place, Stay(wanted.vehicle, wanted.begins, wanted.until))
        return Created(f"/v1/waitlist/{row['id']}", WaitView.of(row, tx.now))

    @operation(
        get="/v1/waitlist",
        summary="What I wait for",
        tags=("reservations",),
        scopes=READ,
        responses={200: Page[WaitView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        ended: Annotated[bool, Field(description="Those that are over too.")] = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[WaitView]:
        """Newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_driver(tx, caller.id, below=below, ended=ended, limit=limit + 1)
            return page_by("id", rows, limit, lambda row: WaitView.of(row, tx.now))

    @operation(
        get="/v1/waitlist/{wait}",
        summary="One place in a line",
        tags=("reservations",),
        scopes=READ,
        responses={200: WaitView},
        problems=(UnknownWait,),
    )
    async def one(self, caller: Caller, wait: PathWait) -> WaitView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read(tx, wait, driver=caller.id)
            if row is None:
                raise UnknownWait(wait=wait)
            return WaitView.of(row, tx.now)

    @operation(
        delete="/v1/waitlist/{wait}",
        summary="Wait no longer",
        tags=("reservations",),
        scopes=RESERVE,
        responses={204: None},
        problems=(UnknownWait, WrongState),
    )
    async def leave(self, caller: Caller, wait: PathWait) -> NoContent:
        """An offer that was made is given back at no cost; one that was confirmed is a reservation: cancel that."""
        async with self._db.transaction() as tx:
            await leave_waiting(tx, wait, driver=caller.id)
        return NoContent()
