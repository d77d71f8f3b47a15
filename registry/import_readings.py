"""The live half of an import: how full the feed says its sites are becomes counts, told to occupancy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.facts import CountSeen, Facts, RecordFacts
from contracts.ids import CarParkId, ZoneLabel
from kernel.callers import Caller
from kernel.db import Tx
from registry.feeds.interpret import against_capacity
from registry.feeds.records import Accepted, Feed, Reading, Refused
from registry.import_sites import Imported, Known
from registry.sql import audit, car_parks

CLOSED_BY_FEED = "closed according to the feed"
"""The reason of a closure that a feed makes and may take back; it never opens what an operator closed."""
AHEAD_MAX = timedelta(minutes=5)
"""A publisher's clock may be this fast; what is further ahead is no observation."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What was taken of a feed's live values, and what was not."""

    counts: Sequence[CountSeen]
    refused: Sequence[Refused]


async def import_readings(
    tx: Tx, caller: Caller, feed: Feed, imported: Imported, *, on_counts: RecordFacts | None, write: bool
) -> Readings:
    """Hand the live values of `feed` to `on_counts` in this transaction; close and open what the feed says."""
    site_refused = {record.index for record in feed.records if isinstance(record, Refused)}
    site_refused |= {refused.index for refused in imported.refused}
    counts: list[CountSeen] = []
    refused: list[Refused] = []
    closed: list[CarParkId] = []
    opened: list[CarParkId] = []
    for record in feed.records:
        if not isinstance(record, Accepted) or record.reading is None:
            continue
        known = imported.known.get(record.uid)
        if known is None:
            if record.index not in site_refused:
                detail = f"no car park of {imported.operator} is known by this id"
                refused.append(Refused(record.index, record.uid, "id", "unknown_site", detail))
            continue
        seen = _count(tx, known, record.index, record.reading)
        if isinstance(seen, Refused):
            refused.append(seen)
            continue
        if record.reading.closed is not None:
            (closed if record.reading.closed else opened).append(known.car_park)
        if seen is not None:
            counts.append(seen)
    if write:
        # First the counts: what they read of the registry is committed, so a copy they keep is never ahead of it.
        if counts and on_counts is not None:
            await on_counts(tx, Facts(counts=counts))
        await car_parks.lock_car_parks(tx, sorted({*closed, *opened}))  # in order, as every import does: no deadlock
        if await car_parks.follow_feed(tx, closed=closed, opened=opened, reason=CLOSED_BY_FEED):
            await audit.record(
                tx,
                actor=caller.principal,
                operator=imported.operator,
                action="feed.closures",
                subject=f"operator/{imported.operator}",
                detail={"closed": closed},
            )
            await audit.bump_revision(tx)
    return Readings(counts, refused)


def _count(tx: Tx, known: Known, index: int, reading: Reading) -> CountSeen | Refused | None:
    """The count in `reading`; None when it only says closed or open."""
    if reading.free is None and reading.occupied is None:
        return None
    capacity = known.capacity if reading.capacity is None else reading.capacity
    over = against_capacity(reading.free, capacity)
    if over is not None:
        return Refused(index, reading.uid, "free", "free_exceeds_capacity", over)
    at = tx.now if reading.at is None else reading.at
    if at > tx.now + AHEAD_MAX:
        return Refused(index, reading.uid, "at", "timestamp_in_future", f"{at.isoformat()} is yet to come")
    occupied = reading.occupied if reading.free is None else capacity - reading.free
    return CountSeen(
        car_park=known.car_park,
        zone=ZoneLabel(""),
        capacity=capacity,
        occupied=occupied or 0,
        entered=None,
        left=None,
        at=min(at, tx.now),
        epoch="",
        seq=-1,
        received_at=tx.now,
    )
