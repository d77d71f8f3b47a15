"""The operator of a car park decides who lends a space there: approves or refuses, revokes, or releases the space.

An approved space is no longer of the pool. Approval is refused where the car park needs it: when what can be promised
of the pool and the private spaces would together be more than there are. A space that was lent stays private when its
listing is over, until the operator releases it: it was never the public's.
"""

from datetime import timedelta
from typing import Literal

from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.errors import AlreadyListed, PoolNeedsSpace, UnknownListing, WrongState
from reservation.lay_slots import lay_listing
from reservation.listing import ListingState
from reservation.sql import listings as sql

Decision = Literal["approve", "refuse", "revoke", "release"]

_FROM: dict[Decision, tuple[ListingState, ...]] = {
    "approve": (ListingState.PROPOSED,),
    "refuse": (ListingState.PROPOSED,),
    "revoke": (ListingState.APPROVED, ListingState.PAUSED),
    "release": (ListingState.REVOKED,),
}
_TO: dict[Decision, ListingState] = {
    "approve": ListingState.APPROVED,
    "refuse": ListingState.REFUSED,
    "revoke": ListingState.REVOKED,
    "release": ListingState.REVOKED,
}


async def decide_listing(
    tx: Tx,
    record_audit: RecordAudit,
    caller: Caller,
    *,
    listing: str,
    decision: Decision,
    reason: str | None,
    version: int | None,
    ahead: timedelta,
) -> Row:
    """The listing after it; `version` is the one that was read.

    Raises UnknownListing, WrongState, AlreadyListed, PoolNeedsSpace.
    """
    row = await sql.lock_of_operator(tx, listing, caller)
    if row is None:
        raise UnknownListing(listing=listing)
    state = row["state"]
    was_lent = decision != "release" or (row["decided_at"] is not None and row["released_at"] is None)
    if state not in _FROM[decision] or not was_lent:
        raise WrongState(f"{listing} is {state}: nothing to {decision}", listing=listing, state=state)
    if version not in (None, row["version"]):
        raise WrongState(
            f"{listing} was changed since: it is at version {row['version']}", listing=listing, version=row["version"]
        )
    if decision == "approve":
        await _check_room(tx, row)
        await sql.release_earlier(tx, row["space"])
    taken = {"listing_one_for_a_space": AlreadyListed, "listing_private": AlreadyListed}
    with tx.guard(taken, car_park=row["car_park"], space=row["space_label"]):
        released_at = tx.now if decision == "release" else None
        after = await sql.decide(tx, listing, _TO[decision], by=caller.id, reason=reason, released_at=released_at)
    if decision in ("approve", "revoke"):
        await lay_listing(tx, after, ahead=ahead)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=row["operator"],
        action=f"listing.{decision}",
        subject=f"listing/{listing}",
        detail={"car_park": row["car_park"], "space": row["space_label"], "owner": row["owner"], "reason": reason},
    )
    return after


async def _check_room(tx: Tx, row: Row) -> None:
    room = await sql.room(tx, row["car_park"], row["space"])
    if row["space_label"] is None or room is None:
        raise UnknownListing(f"the space is no longer one of {row['car_park']}", listing=row["id"])
    if room["reservable"] + room["private"] + 1 > room["capacity"]:
        raise PoolNeedsSpace(
            f"{row['car_park']} has {room['capacity']} spaces, promises {room['reservable']} of its pool and "
            f"{room['private']} are private",
            car_park=row["car_park"],
            capacity=room["capacity"],
            reservable=room["reservable"],
            private=room["private"],
        )
