"""`/v1/operator/listings`: what owners propose to lend in an operator's car parks, and what the operator says to it."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import Slug
from kernel.db import Database, Tx
from kernel.http import OPERATE, Caller, Cursor, Page, below_id, operation, page_by
from reservation.decide_listing import Decision, decide_listing
from reservation.errors import AlreadyListed, PoolNeedsSpace, UnknownListing, WrongState
from reservation.http.listing_views import OperatorListingView
from reservation.http.listings import ListingStates, PathListing
from reservation.http.reservations import Limit
from reservation.sql import listings as sql

ReasonText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="Why, in words for the owner; stays with the listing and in the audit."),
]


class ApproveIn(BaseModel):
    """What the owner should know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: ReasonText | None = None
    version: int | None = Field(default=None, description="Refuse when the listing is no longer at the one I read.")


class DecideIn(BaseModel):
    """Why it is so decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: ReasonText


class OperatorListingsApi:
    """Decisions on listings; every one is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit, ahead: timedelta) -> None:
        self._db = db
        self._record_audit = record_audit
        self._ahead = ahead

    @operation(
        get="/v1/operator/listings",
        summary="Private spaces that are lent, or shall be",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[OperatorListingView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        car_park: Slug | None = None,
        state: ListingStates = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OperatorListingView]:
        """In one's own car parks, newest first; `state=proposed` are to be decided."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_operator(
                tx, caller, car_park=car_park, below=below, states=state or None, limit=limit + 1
            )
        return page_by("id", rows, limit, OperatorListingView.of)

    @operation(
        get="/v1/operator/listings/{listing}",
        summary="One listing in an own car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OperatorListingView},
        problems=(UnknownListing,),
    )
    async def one(self, caller: Caller, listing: PathListing) -> OperatorListingView:
        """With what shows the owner's right."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.of_operator(tx, listing, caller)
        if row is None:
            raise UnknownListing(listing=listing)
        return OperatorListingView.of(row)

    @operation(
        post="/v1/operator/listings/{listing}/approve",
        summary="Approve a listing",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: OperatorListingView},
        problems=(UnknownListing, WrongState, AlreadyListed, PoolNeedsSpace),
    )
    async def approve(
        self, tx: Tx, caller: Caller, listing: PathListing, wanted: ApproveIn | None = None
    ) -> OperatorListingView:
        """The space is the owner's to lend: it leaves the pool and is offered at once."""
        said = wanted or ApproveIn()
        return await self._decide(tx, caller, listing, "approve", said.reason, version=said.version)

    @operation(
        post="/v1/operator/listings/{listing}/refuse",
        summary="Refuse a listing",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: OperatorListingView},
        problems=(UnknownListing, WrongState),
    )
    async def refuse(self, tx: Tx, caller: Caller, listing: PathListing, wanted: DecideIn) -> OperatorListingView:
        """The owner is told why."""
        return await self._decide(tx, caller, listing, "refuse", wanted.reason)

    @operation(
        post="/v1/operator/listings/{listing}/revoke",
        summary="Take an approval back",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: OperatorListingView},
        problems=(UnknownListing, WrongState),
    )
    async def revoke(self, tx: Tx, caller: Caller, listing: PathListing, wanted: DecideIn) -> OperatorListingView:
        """Nothing more is promised of it; what is promised already is kept. The space stays private."""
        return await self._decide(tx, caller, listing, "revoke", wanted.reason)

    @operation(
        post="/v1/operator/listings/{listing}/release",
        summary="A space that was lent is everybody's again",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: OperatorListingView},
        problems=(UnknownListing, WrongState),
    )
    async def release(self, tx: Tx, caller: Caller, listing: PathListing, wanted: DecideIn) -> OperatorListingView:
        """Of a revoked listing: the space may be promised by its number, as one of the pool."""
        return await self._decide(tx, caller, listing, "release", wanted.reason)

    async def _decide(
        self,
        tx: Tx,
        caller: Caller,
        listing: str,
        decision: Decision,
        reason: str | None,
        *,
        version: int | None = None,
    ) -> OperatorListingView:
        row = await decide_listing(
            tx,
            self._record_audit,
            caller,
            listing=listing,
            decision=decision,
            reason=reason,
            version=version,
            ahead=self._ahead,
        )
        return OperatorListingView.of(row)
