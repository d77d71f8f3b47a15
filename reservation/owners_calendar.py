"""What an owner sees of a lent space: its windows, the promises on them, what is left, and what it earned."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.db import Row, Tx
from reservation.earnings import Earning, earning
from reservation.lifecycle import Promise, State
from reservation.listing import Lent, ListingState
from reservation.sql import reservations, slots
from reservation.steps import seen_now
from reservation.take_back import standing, taken_by
from reservation.windows import Span, less, midnight


class Calendar(Struct, frozen=True):
    """Of a listing in a span."""

    windows: list[Span]
    promises: list[Row]
    free: list[Span]


class Earned(Struct, frozen=True):
    """By one promise, as it is now."""

    row: Row
    promise: Promise
    earning: Earning


_CHARGED: Final = frozenset(State) - {State.EXPIRED, State.HELD}


async def calendar_of(tx: Tx, row: Row, during: Span) -> Calendar:
    """Of the listing in `row`."""
    if row["state"] == ListingState.APPROVED:
        windows = [_clipped(span, during) for span in await slots.within(tx, row["id"], during)]
    elif row["state"] in (ListingState.PROPOSED, ListingState.PAUSED) and row["time_zone"] is not None:
        windows = Lent.of(row).spans(row["time_zone"], during)
    else:
        windows = []
    promises = await standing(tx, row["space"], during, inside_until=tx.now)
    free = less(windows, taken_by(tx, promises)) if row["state"] == ListingState.APPROVED else []
    return Calendar(windows, promises, free)


async def earned_in(tx: Tx, row: Row, month: tuple[int, int]) -> list[Earned]:
    """What ended in that `(year, month)` of the car park's calendar, or will, by the listing in `row`."""
    year, number = month
    zone = ZoneInfo(row["time_zone"] or "UTC")
    following = date(year + number // 12, number % 12 + 1, 1)
    during = Span(midnight(date(year, number, 1), zone), midnight(following, zone))
    found = []
    for stay in await slots.stays(tx, row["id"], during):
        promise, terms = seen_now(tx, stay), reservations.terms_of(stay)
        if promise.state in _CHARGED:
            earned = earning(
                promise,
                stay["price"],
                tx.now,
                owner_share_bp=terms.owner_share_bp,
                platform_share_bp=row["platform_share_bp"],
            )
            found.append(Earned(stay, promise, earned))
    return found


def month_of(time_zone: str | None, now: datetime) -> tuple[int, int]:
    """Which `(year, month)` it is at the car park."""
    local = now.astimezone(UTC if time_zone is None else ZoneInfo(time_zone))
    return local.year, local.month


def _clipped(span: Span, during: Span) -> Span:
    return Span(max(span.begins, during.begins), min(span.until, during.until))
