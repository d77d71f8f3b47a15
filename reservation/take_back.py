"""The owner comes home early: the space is the owner's for a time, unless promises stand in the way."""

from datetime import datetime, timedelta
from typing import Final

from kernel.db import Row, Tx
from reservation.change_listing import Change, change_listing
from reservation.errors import PromisesInTheWay, TooManyExceptions
from reservation.listing import Lent
from reservation.sql import slots
from reservation.steps import seen_now
from reservation.windows import EXCEPTIONS_MAX, Away, Span, less, merged

LEAVES_WITHIN: Final = timedelta(hours=1)
"""Nobody knows when who overstays will leave: what begins within this time has the car in the way."""


async def take_back(tx: Tx, row: Row, away: Away, *, keep_promises: bool, ahead: timedelta) -> Row:
    """The listing with the time as an exception; `row` is as `locked_of_owner` gave it. What is promised in it is kept
    and, unless `keep_promises` says that the owner knows, refuses the whole.

    Raises PromisesInTheWay, TooManyExceptions.
    """
    lent = Lent.of(row)
    still = [one for one in lent.exceptions if not isinstance(one, Away) or one.until > tx.now]
    if len(still) >= EXCEPTIONS_MAX:
        raise TooManyExceptions(f"{EXCEPTIONS_MAX} are kept at a time", limit=EXCEPTIONS_MAX)
    changed = Lent(
        windows=lent.windows,
        exceptions=[*still, away],
        price_per_hour=lent.price_per_hour,
        owner_share_bp=lent.owner_share_bp,
        notice_s=lent.notice_s,
    )
    # First the slots: whoever is about to hold one is waited for, and nobody can hold it afterwards.
    after = await change_listing(tx, row, Change(lent=changed, proof=row["proof"]), ahead=ahead)
    during = Span(away.begins, away.until)
    in_the_way = await standing(tx, row["space"], during, inside_until=tx.now + LEAVES_WITHIN)
    if in_the_way and not keep_promises:
        raise PromisesInTheWay(
            f"{len(in_the_way)} stand between {away.begins.isoformat()} and {away.until.isoformat()}: "
            "they are kept; with keep_promises the rest of the time is yours",
            listing=row["id"],
            reservations=[one["id"] for one in in_the_way],
            promises=[_told(tx, one) for one in in_the_way],
            free=[{"from": one.begins, "until": one.until} for one in less([during], taken_by(tx, in_the_way))],
        )
    return after


async def standing(tx: Tx, space: int, during: Span, *, inside_until: datetime) -> list[Row]:
    """The promises that take the space then, whoever is inside until `inside_until` at least; a hold that ran out does
    not.
    """
    rows = await slots.promises(tx, space, during, inside_until=inside_until)
    return [row for row in rows if seen_now(tx, row).is_active]


def taken_by(tx: Tx, rows: list[Row]) -> list[Span]:
    """What they take. Whoever is inside past the end takes it until leaving: until now, as far as anybody knows."""
    return merged(Span(row["occupies_from"], _until(tx.now, row)) for row in rows)


def _until(now: datetime, row: Row) -> datetime:
    until: datetime = row["occupies_until"]
    return max(until, now) if row["state"] == "checked_in" else until


def _told(tx: Tx, row: Row) -> dict[str, object]:
    promise = seen_now(tx, row)
    return {
        "reservation": row["id"],
        "from": promise.begins,
        "until": promise.until,
        "state": promise.state,
        "overstaying": promise.overstaying,
    }
