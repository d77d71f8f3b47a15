"""An owner takes a listing back: nothing more is promised of it; what is promised is kept."""

from datetime import timedelta

from kernel.db import Tx
from reservation.errors import UnknownListing
from reservation.lay_slots import lay_listing
from reservation.listing import OPEN, ListingState
from reservation.sql import listings as sql


async def revoke_listing(tx: Tx, listing: str, *, owner: str) -> None:
    """Once more is no error. Raises UnknownListing."""
    row = await sql.lock(tx, listing, owner=owner)
    if row is None:
        raise UnknownListing(listing=listing)
    if row["state"] not in OPEN:
        return
    await sql.revoke(tx, listing)
    if row["state"] != ListingState.PROPOSED:
        revoked = await sql.read(tx, listing, owner=owner)
        assert revoked is not None, "the row is locked"  # noqa: S101
        await lay_listing(tx, revoked, ahead=timedelta())
