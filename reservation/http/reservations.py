"""`/v1/reservations`: hold, confirm, extend, cancel, and look."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.db import Database, Tx
from kernel.http import Caller, Created, Cursor, Page, below_id, operation, page_by
from kernel.moments import Moment
from reservation.cancel import cancel_promise
from reservation.claim import NoLongerSo
from reservation.confirm import confirm_hold
from reservation.errors import (
    NoSpaceLeft,
    NotReservable,
    NotShared,
    OfferOver,
    UnknownCarPark,
    UnknownReservation,
    UnknownSpace,
    VehiclePromised,
    WindowRefused,
    WrongState,
)
from reservation.extend import extend_promise
from reservation.hold import hold_space
from reservation.http.holds import HoldIn
from reservation.http.views import ReservationView
from reservation.lifecycle import State
from reservation.place import KnownPlaces, find_place
from reservation.signing import SigningKey
from reservation.sql import reservations as sql

RESERVE = frozenset({"reserve"})
READ = frozenset({"read"})
PathReservation = Annotated[str, StringConstraints(pattern=r"^rsv_[0-9a-f]{32}$")]
States = Annotated[list[State], Field(description="Only these.")]
Limit = Annotated[int, Field(ge=1, le=200, description="Items on a page.")]


class ExtendIn(BaseModel):
    """The later end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: Moment


class ReservationsApi:
    """A driver's own promises."""

    def __init__(self, db: Database, key: SigningKey) -> None:
        self._db = db
        self._key = key
        self._places = KnownPlaces()

    @operation(
        post="/v1/reservations",
        summary="Hold a space",
        tags=("reservations",),
        scopes=RESERVE,
        idempotent=True,
        responses={201: ReservationView},
        problems=(
            UnknownCarPark,
            UnknownSpace,
            NotReservable,
            NotShared,
            WindowRefused,
            NoSpaceLeft,
            VehiclePromised,
            OfferOver,
        ),
    )
    async def hold(self, tx: Tx, caller: Caller, wanted: HoldIn) -> Created[ReservationView]:
        """The space is yours from now on: confirm it until `hold_expires_at`. Either `offer` says where, when and for
        how much, or `car_park` or `space` with `from` and `until` do.
        """
        asked = wanted.asked(self._key, tx.now)
        place = await self._places.find(tx, asked.place)
        try:
            row = await hold_space(tx, caller.id, place, asked.stay, quoted=asked.quoted)
        except (NoLongerSo, NotShared, WindowRefused):  # perhaps only as it was remembered
            self._places.forget(asked.place)
            place = await find_place(tx, asked.place)
            row = await hold_space(tx, caller.id, place, asked.stay, quoted=asked.quoted)
        asked.check(row["listing"])
        return Created(f"/v1/reservations/{row['id']}", ReservationView.of(tx, row))

    @operation(
        get="/v1/reservations",
        summary="My reservations",
        tags=("reservations",),
        scopes=READ,
        responses={200: Page[ReservationView]},
    )
    async def list(
        self,
        caller: Caller,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ReservationView]:
        """Newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_driver(tx, caller.id, below=below, states=state or None, limit=limit + 1)
            return page_by("id", rows, limit, lambda row: ReservationView.of(tx, row))

    @operation(
        get="/v1/reservations/{reservation}",
        summary="One reservation",
        tags=("reservations",),
        scopes=READ,
        responses={200: ReservationView},
        problems=(UnknownReservation,),
    )
    async def one(self, caller: Caller, reservation: PathReservation) -> ReservationView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read(tx, reservation, driver=caller.id)
            if row is None:
                raise UnknownReservation(reservation=reservation)
            return ReservationView.of(tx, row)

    @operation(
        post="/v1/reservations/{reservation}/confirm",
        summary="Confirm a hold",
        tags=("reservations",),
        scopes=RESERVE,
        idempotent=True,
        responses={200: ReservationView},
        problems=(UnknownReservation, WrongState),
    )
    async def confirm(self, tx: Tx, caller: Caller, reservation: PathReservation) -> ReservationView:
        """From then on it is kept, and its terms apply."""
        return ReservationView.of(tx, await confirm_hold(tx, reservation, driver=caller.id))

    @operation(
        post="/v1/reservations/{reservation}/extend",
        summary="Stay longer",
        tags=("reservations",),
        scopes=RESERVE,
        idempotent=True,
        responses={200: ReservationView},
        problems=(
            UnknownReservation,
            WrongState,
            WindowRefused,
            NotReservable,
            NoSpaceLeft,
            NotShared,
            VehiclePromised,
        ),
    )
    async def extend(self, tx: Tx, caller: Caller, reservation: PathReservation, wanted: ExtendIn) -> ReservationView:
        """Only the added part needs room, and is paid on top."""
        return ReservationView.of(tx, await extend_promise(tx, reservation, wanted.until, driver=caller.id))

    @operation(
        post="/v1/reservations/{reservation}/cancel",
        summary="Cancel",
        tags=("reservations",),
        scopes=RESERVE,
        idempotent=True,
        responses={200: ReservationView},
        problems=(UnknownReservation, WrongState),
    )
    async def cancel(self, tx: Tx, caller: Caller, reservation: PathReservation) -> ReservationView:
        """Free until the terms say; `fee` is what it cost."""
        return ReservationView.of(tx, await cancel_promise(tx, reservation, driver=caller.id))
