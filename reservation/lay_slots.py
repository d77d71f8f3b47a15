"""Lay out the windows of listings in absolute time: all that is to come when a listing changes, a day more every day.

A promise stands on its own row, so a slot that goes away breaks none: it only takes no new ones.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from kernel.db import Database, Row, Tx
from reservation.listing import Lent, ListingState
from reservation.sql import listings, slots
from reservation.windows import Span

log = logging.getLogger(__name__)

A_DAY: Final = timedelta(days=1)
STILL_ASKED_FOR: Final = timedelta(hours=1)
"""Slots that a change lays out anew begin so long ago: a hold may begin some minutes ago."""
KEPT: Final = timedelta(days=7)
"""Slots that are over stay so long for their owner's calendar."""
LISTINGS_A_TURN: Final = 200
"""A turn is short; whatever is left is due at the next."""


async def lay_listing(tx: Tx, row: Row, *, ahead: timedelta) -> None:
    """Of the listing in `row`, which is locked: what it lends from now on, and nothing more. Unless it is approved it
    has no slots, not even old ones, which would stand in the way of who lends the space next.

    A car park that is no longer in use lends nothing.
    """
    if row["state"] != ListingState.APPROVED or row["time_zone"] is None:
        await slots.remove(tx, row["id"])
        await slots.laid(tx, row["id"], None, None)
        return
    since, until = _minute(tx.now - STILL_ASKED_FOR), _minute(tx.now + ahead + A_DAY)
    spans = Lent.of(row).spans(row["time_zone"], Span(since, until))
    await slots.put(tx, row["id"], row["space"], spans, since)
    await slots.laid(tx, row["id"], until, row["time_zone"])


async def lay_slots(database: Database, *, ahead: timedelta) -> int:
    """A turn of the loop: how many listings were laid out further. Each in a transaction of its own."""
    async with database.transaction(readonly=True) as tx:
        due = await slots.due(tx, tx.now + ahead, limit=LISTINGS_A_TURN)
    for listing in due:
        async with database.transaction() as tx:
            await _go_on(tx, listing, ahead)
    if due:
        log.info("listings laid out", extra={"listings": len(due)})
    return len(due)


async def _go_on(tx: Tx, listing: str, ahead: timedelta) -> None:
    row = await listings.lock(tx, listing, owner=None)
    if row is None or row["state"] != ListingState.APPROVED or row["time_zone"] is None:
        return  # decided otherwise meanwhile
    laid_until, until = row["laid_until"], _minute(tx.now + ahead + A_DAY)
    if laid_until is None or laid_until < tx.now or row["laid_zone"] != row["time_zone"]:
        await lay_listing(tx, row, ahead=ahead)
    elif laid_until < until:
        spans = Lent.of(row).spans(row["time_zone"], Span(laid_until, until))
        await slots.append(tx, listing, row["space"], spans, laid_until)
        await slots.laid(tx, listing, until, row["time_zone"])
    await slots.forget(tx, listing, tx.now - KEPT)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
