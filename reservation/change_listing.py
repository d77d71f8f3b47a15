"""An owner changes a listing: what is promised already stays as it was promised."""

from datetime import timedelta

from msgspec import Struct

from kernel.db import Row, Tx
from reservation.errors import NeedsApproval, UnknownListing, WrongState
from reservation.lay_slots import lay_listing
from reservation.listing import OPEN, Lent, ListingState
from reservation.sql import listings as sql


class Change(Struct, frozen=True, kw_only=True):
    """What shall be otherwise; None stays as it is. `version` is the one that the owner read."""

    lent: Lent
    paused: bool | None = None
    proof: str | None = None
    version: int | None = None


async def locked_of_owner(tx: Tx, listing: str, owner: str) -> Row:
    """A listing that its owner may change, locked. Raises UnknownListing, WrongState."""
    row = await sql.lock(tx, listing, owner=owner)
    if row is None:
        raise UnknownListing(listing=listing)
    if row["state"] not in OPEN:
        raise WrongState(f"{listing} is {row['state']}: list the space anew", listing=listing, state=row["state"])
    return row


async def change_listing(tx: Tx, row: Row, change: Change, *, ahead: timedelta) -> Row:
    """The listing as it is from now on; `row` is as `locked_of_owner` gave it. Raises WrongState, NeedsApproval."""
    listing, state = row["id"], row["state"]
    if change.version is not None and change.version != row["version"]:
        raise WrongState(
            f"{listing} was changed since: it is at version {row['version']}", listing=listing, version=row["version"]
        )
    if state != ListingState.PROPOSED and change.lent.owner_share_bp > row["owner_share_bp"]:
        raise NeedsApproval(
            f"the operator agreed to {row['owner_share_bp']} basis points for the owner", listing=listing
        )
    if change.paused is not None:
        if state == ListingState.PROPOSED and change.paused:
            raise WrongState(f"{listing} is proposed: nothing is offered yet", listing=listing, state=state)
        if state != ListingState.PROPOSED:
            state = ListingState.PAUSED if change.paused else ListingState.APPROVED
    after = await sql.change(tx, listing, change.lent, proof=change.proof, state=state)
    if ListingState.PROPOSED not in (after["state"], row["state"]):
        await lay_listing(tx, after, ahead=ahead)
    return after
