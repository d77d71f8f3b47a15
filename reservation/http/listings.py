"""`/v1/listings`: owners lend private spaces, see what is promised of them, and what they earn."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from kernel.db import Database, Row, Tx
from kernel.http import (
    Caller,
    Created,
    Cursor,
    InvalidParameter,
    MalformedBody,
    Moment,
    NoContent,
    Page,
    below_id,
    operation,
    page_by,
)
from reservation.change_listing import change_listing, locked_of_owner
from reservation.earnings import Standing
from reservation.errors import (
    AlreadyListed,
    NeedsApproval,
    PromisesInTheWay,
    TooManyExceptions,
    TooManyListings,
    UnknownCarPark,
    UnknownListing,
    UnknownSpace,
    WrongState,
)
from reservation.http.listing_bodies import ListingIn, ListingPatch, TakeBackIn
from reservation.http.listing_views import ListingView
from reservation.http.owner_views import CalendarView, EarningView, GuestView, SpanView, StatementView, SumView
from reservation.http.reservations import READ, RESERVE, Limit
from reservation.list_space import list_space
from reservation.listing import ListingState
from reservation.owners_calendar import calendar_of, earned_in, month_of
from reservation.revoke_listing import revoke_listing
from reservation.sql import listings as sql
from reservation.take_back import take_back
from reservation.windows import Span

PathListing = Annotated[str, StringConstraints(pattern=r"^lst_[0-9a-f]{32}$")]
ListingStates = Annotated[list[ListingState], Field(description="Only these.")]
Month = Annotated[
    str | None,
    StringConstraints(pattern=r"^20[0-9]{2}-(?:0[1-9]|1[0-2])$"),
    Field(description="By the car park's calendar; by default the present one.", examples=["2026-11"]),
]
SHOWN_BY_DEFAULT: Final = timedelta(days=14)
SHOWN_MAX: Final = timedelta(days=92)
"""A quarter at a time."""


class ListingsApi:
    """An owner's own listings. Slots are laid out `ahead`."""

    def __init__(self, db: Database, ahead: timedelta) -> None:
        self._db = db
        self._ahead = ahead

    @operation(
        post="/v1/listings",
        summary="Lend a private space",
        tags=("sharing",),
        scopes=RESERVE,
        idempotent=True,
        responses={201: ListingView},
        problems=(UnknownCarPark, UnknownSpace, AlreadyListed, TooManyListings),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: ListingIn) -> Created[ListingView]:
        """A proposal: the operator of the car park approves it before it is offered to anybody."""
        row = await list_space(tx, caller.id, wanted.place, wanted.lent, proof=wanted.proof)
        return Created(f"/v1/listings/{row['id']}", ListingView.of(row))

    @operation(
        get="/v1/listings",
        summary="My listings",
        tags=("sharing",),
        scopes=READ,
        responses={200: Page[ListingView]},
    )
    async def list(
        self,
        caller: Caller,
        state: ListingStates = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ListingView]:
        """Newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_owner(tx, caller.id, below=below, states=state or None, limit=limit + 1)
        return page_by("id", rows, limit, ListingView.of)

    @operation(
        get="/v1/listings/{listing}",
        summary="One listing",
        tags=("sharing",),
        scopes=READ,
        responses={200: ListingView},
        problems=(UnknownListing,),
    )
    async def one(self, caller: Caller, listing: PathListing) -> ListingView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            return ListingView.of(await _own(tx, caller, listing))

    @operation(
        patch="/v1/listings/{listing}",
        summary="Change a listing",
        tags=("sharing",),
        scopes=RESERVE,
        responses={200: ListingView},
        problems=(UnknownListing, WrongState, NeedsApproval),
    )
    async def patch(self, caller: Caller, listing: PathListing, wanted: ListingPatch) -> ListingView:
        """From now on. What is promised already is kept, at its price."""
        async with self._db.transaction() as tx:
            row = await locked_of_owner(tx, listing, caller.id)
            return ListingView.of(await change_listing(tx, row, wanted.change(row), ahead=self._ahead))

    @operation(
        delete="/v1/listings/{listing}",
        summary="Lend it no more",
        tags=("sharing",),
        scopes=RESERVE,
        responses={204: None},
        problems=(UnknownListing,),
    )
    async def delete(self, caller: Caller, listing: PathListing) -> NoContent:
        """Nothing more is promised of it; what is promised already is kept, and stays in the calendar."""
        async with self._db.transaction() as tx:
            await revoke_listing(tx, listing, owner=caller.id)
        return NoContent()

    @operation(
        post="/v1/listings/{listing}/take-back",
        summary="I need my space",
        tags=("sharing",),
        scopes=RESERVE,
        idempotent=True,
        responses={200: ListingView},
        problems=(UnknownListing, WrongState, PromisesInTheWay, TooManyExceptions),
    )
    async def take_back(self, tx: Tx, caller: Caller, listing: PathListing, wanted: TakeBackIn) -> ListingView:
        """For a time, which becomes an exception. What stands in the way is told, and what is free beside it."""
        if wanted.until <= tx.now:
            raise MalformedBody.of("until", "must not be in the past")
        row = await locked_of_owner(tx, listing, caller.id)
        taken = await take_back(tx, row, wanted, keep_promises=wanted.keep_promises, ahead=self._ahead)
        return ListingView.of(taken)

    @operation(
        get="/v1/listings/{listing}/calendar",
        summary="When it is lent, and to whom",
        tags=("sharing",),
        scopes=READ,
        responses={200: CalendarView},
        problems=(UnknownListing,),
    )
    async def calendar(
        self, caller: Caller, listing: PathListing, from_: Moment | None = None, until: Moment | None = None
    ) -> CalendarView:
        """By default the next fourteen days. Whoever overstays is shown for as long as the car is there."""
        async with self._db.transaction(readonly=True) as tx:
            begins = from_ or tx.now
            during = Span(begins, until or begins + SHOWN_BY_DEFAULT)
            if not begins < during.until <= begins + SHOWN_MAX:
                raise InvalidParameter.of("query", "until", f"must be after `from`, by at most {SHOWN_MAX.days} days")
            row = await _own(tx, caller, listing)
            found = await calendar_of(tx, row, during)
            return CalendarView(
                listing=listing,
                state=row["state"],
                begins=during.begins,
                until=during.until,
                windows=[SpanView.of(span) for span in found.windows],
                promises=[GuestView.of(tx, promise) for promise in found.promises],
                free=[SpanView.of(span) for span in found.free],
            )

    @operation(
        get="/v1/listings/{listing}/earnings",
        summary="What it earned in a month",
        tags=("sharing",),
        scopes=READ,
        responses={200: StatementView},
        problems=(UnknownListing,),
    )
    async def earnings(self, caller: Caller, listing: PathListing, month: Month = None) -> StatementView:
        """Promise by promise, split between owner, operator and platform; available 48 hours after the stay."""
        async with self._db.transaction(readonly=True) as tx:
            row = await _own(tx, caller, listing)
            asked = month_of(row["time_zone"], tx.now) if month is None else _month(month)
            found = await earned_in(tx, row, asked)
        sums = {
            standing: SumView.of([one.earning for one in found if one.earning.standing is standing])
            for standing in Standing
        }
        return StatementView(
            listing=listing,
            month=f"{asked[0]:04}-{asked[1]:02}",
            expected=sums[Standing.EXPECTED],
            held=sums[Standing.HELD],
            available=sums[Standing.AVAILABLE],
            items=[EarningView.of(one.row, one.promise.state, one.promise.ended_at, one.earning) for one in found],
        )


async def _own(tx: Tx, caller: Caller, listing: str) -> Row:
    row = await sql.read(tx, listing, owner=caller.id)
    if row is None:
        raise UnknownListing(listing=listing)
    return row


def _month(text: str) -> tuple[int, int]:
    year, _, month = text.partition("-")
    return int(year), int(month)
