"""What the numbers of a batch show goes into the books of gaps, in the transaction that records the batch.

A batch in which every word follows the one before it, which is nearly every batch, costs no statement here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.gaps import Gap, Numbering
from occupancy.settings import OccupancySettings
from occupancy.sql import gaps as sql
from occupancy.sql import resync as resync_sql
from occupancy.standing import Standing

OPEN_GAPS_MAX: Final = 2_000
"""A car park that lost more is asked for a snapshot all the same; more rows would say nothing new."""
WIDE_JUMP: Final = 16
"""A line that loses so many words of one sensor in a row does not work half of the time."""
WORDS_TO_JUDGE: Final = 200
WORDS_REMEMBERED: Final = 20_000
"""How a car park numbers is judged by its latest words: of so few that a device that is put right is soon believed."""
AHEAD_KEPT: Final = timedelta(days=7)
"""A state that has not passed a number by then never will: its device began anew."""
AHEAD_RANGES_MAX: Final = 500
"""Of one source. Beyond these a number that came looks lost later, which costs a snapshot."""
AGAIN: Final = timedelta(seconds=15)
"""Between two snapshots of a car park: however often a broker dies, it is healed well within a minute."""
ANEW_AFTER: Final = timedelta(minutes=5)
"""Some say `online` by the minute, which is no reason to tell everything by the minute."""
OFTEN: Final = 100
THEN_AGAIN: Final = timedelta(minutes=10)
"""After so many snapshots in a row, each with gaps behind it, it numbers in its own way or its line is past help."""


async def heed_gaps(
    tx: Tx, settings: OccupancySettings, standings: Mapping[CarParkId, Standing], numbering: Numbering
) -> None:
    """Store the gaps, close those whose numbers came late, and ask for snapshots of the car parks that lost words.

    Where numbers mostly leap (a gateway that counts for all its sensors together) they do not count a sensor's words,
    and what is left out was not lost.
    """
    jumpy = {car_park for car_park in _note_jumps(standings, numbering) if _jumps(standings[car_park])}
    gaps: Sequence[Gap] = [gap for gap in numbering.gaps if gap.source.car_park not in jumpy]
    ordered: Mapping[CarParkId, datetime] = {}
    if gaps:
        car_parks = {gap.source.car_park for gap in gaps}
        ordered = await resync_sql.ordered_at(tx, car_parks)
        gaps = await _received(tx, await sql.without_ahead(tx, gaps), ordered)
    if gaps:
        stored = await _bounded(tx, gaps)
        await sql.insert_gaps(tx, stored, healed=[_is_answer(gap, ordered) for gap in stored])
        evidence: dict[CarParkId, datetime] = {}
        for gap in gaps:
            car_park = gap.source.car_park
            evidence[car_park] = max(gap.after, evidence.get(car_park, gap.after))
        await want_snapshots(tx, settings, evidence, "gap")
    if numbering.arrived:
        await sql.fill_gaps(tx, numbering.arrived)
    if numbering.ahead:
        await sql.put_ahead(tx, numbering.ahead, ranges_max=AHEAD_RANGES_MAX)


async def want_snapshots(
    tx: Tx,
    settings: OccupancySettings,
    evidence: Mapping[CarParkId, datetime],
    cause: str,
    *,
    rest: timedelta | None = None,
) -> None:
    """Ask these car parks, after the grace, to tell everything again: words after the given moments may be lost.

    With a `rest`, not those that did so less long ago.
    """
    await resync_sql.want_snapshots(
        tx, evidence, cause, grace=settings.gap_grace, again=AGAIN, often=OFTEN, then_again=THEN_AGAIN, rest=rest
    )


async def forget_gaps(tx: Tx, settings: OccupancySettings) -> None:
    """Forget what was lost long ago."""
    oldest = tx.now - timedelta(days=settings.gap_retention_days)
    await sql.forget_gaps(tx, oldest, tx.now - AHEAD_KEPT, kept_max=settings.gaps_kept_max)


def _note_jumps(standings: Mapping[CarParkId, Standing], numbering: Numbering) -> Iterable[CarParkId]:
    """Count words and jumps, the latest most; the car parks that jumped."""
    for car_park, words in numbering.words.items():
        standing = standings[car_park]
        if standing.words > WORDS_REMEMBERED:
            standing.words, standing.jumps = standing.words // 2, standing.jumps // 2
        standing.words += words
    for gap in numbering.gaps:
        standings[gap.source.car_park].jumps += gap.to_seq - gap.from_seq >= WIDE_JUMP
    return {gap.source.car_park for gap in numbering.gaps}


def _jumps(standing: Standing) -> bool:
    return standing.words >= WORDS_TO_JUDGE and standing.jumps > standing.words // 2


def _is_answer(gap: Gap, ordered: Mapping[CarParkId, datetime]) -> bool:
    """Whether the word that shows this loss came after an order that came after the loss: it tells what is true now."""
    ordered_at = ordered.get(gap.source.car_park)
    return ordered_at is not None and gap.after < ordered_at <= gap.shown


async def _received(tx: Tx, gaps: Sequence[Gap], ordered: Mapping[CarParkId, datetime]) -> list[Gap]:
    """`gaps` with `after` in our time where it matters: where a snapshot was ordered, and the loss may be older.

    A clock that runs behind would make every loss look older than the order.
    """
    unsure = [
        gap for gap in gaps if gap.source.space is not None and gap.after < ordered.get(gap.source.car_park, gap.after)
    ]
    received = await sql.words_received(tx, unsure) if unsure else {}
    return [replace(gap, after=received.get((gap.source.space, gap.after), gap.after)) for gap in gaps]


async def _bounded(tx: Tx, gaps: Sequence[Gap]) -> list[Gap]:
    """As many of `gaps` as their car parks may have open."""
    some: dict[CarParkId, list[Gap]] = defaultdict(list)
    for gap in gaps:
        some[gap.source.car_park].append(gap)
    known = await sql.open_counts(tx, some)
    return [gap for car_park, its in some.items() for gap in its[: max(0, OPEN_GAPS_MAX - known.get(car_park, 0))]]
