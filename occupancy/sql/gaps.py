"""Numbers that never came, and numbers that came before their turn."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.gaps import Gap, Source

INSERT = """
INSERT INTO occupancy.seq_gap
    (car_park, space, zone, epoch, from_seq, to_seq, missing, after_at, seen_at, healed_at, how)
SELECT car_park, space, zone, epoch, from_seq, to_seq, missing::int8multirange, after_at, $1::timestamptz,
       CASE WHEN healed THEN $1::timestamptz END, CASE WHEN healed THEN 'snapshot' END
FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::timestamptz[],
            $10::bool[])
    AS gap (car_park, space, zone, epoch, from_seq, to_seq, missing, after_at, healed)
"""

OPEN_COUNTS = """
SELECT car_park, count(*) AS open FROM occupancy.seq_gap WHERE car_park = ANY($1::text[]) AND healed_at IS NULL
GROUP BY car_park
"""

FILL = """
UPDATE occupancy.seq_gap AS gap SET
    missing = gap.missing - came.numbers,
    healed_at = CASE WHEN isempty(gap.missing - came.numbers) THEN coalesce(gap.healed_at, $1) ELSE gap.healed_at END,
    how = CASE WHEN isempty(gap.missing - came.numbers) THEN coalesce(gap.how, 'late') ELSE gap.how END
FROM (
    SELECT car_park, space, zone, epoch, range_agg(int8range(seq, seq, '[]')) AS numbers
    FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::bigint[]) AS one (car_park, space, zone, epoch, seq)
    GROUP BY car_park, space, zone, epoch) AS came
WHERE gap.car_park = came.car_park AND gap.epoch = came.epoch AND NOT isempty(gap.missing)
    AND (gap.space = came.space OR gap.zone = came.zone) AND gap.missing && came.numbers
"""
"""Late numbers close the gaps they were missing from, and complete the history of those that a snapshot closed."""

WITHOUT_AHEAD = """
SELECT gap.place, gap.missing::int8multirange - ahead.numbers AS missing
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
    AS gap (car_park, space, zone, epoch, missing, place)
JOIN occupancy.seq_ahead AS ahead ON ahead.car_park = gap.car_park AND ahead.epoch = gap.epoch
    AND (ahead.space = gap.space OR ahead.zone = gap.zone) AND ahead.numbers && gap.missing::int8multirange
"""

PUT_AHEAD = """
INSERT INTO occupancy.seq_ahead AS kept (car_park, space, zone, epoch, numbers, seen_at)
SELECT car_park, space, zone, epoch, range_agg(int8range(seq, seq, '[]')), $1
FROM unnest($3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[]) AS one (car_park, space, zone, epoch, seq)
GROUP BY car_park, space, zone, epoch
ON CONFLICT (car_park, space, zone, epoch) DO UPDATE
    SET numbers = kept.numbers + excluded.numbers, seen_at = excluded.seen_at
WHERE (SELECT count(*) FROM unnest(kept.numbers)) < $2
"""
"""What follows one another is one range: however long a clock is wrong, its device has a row of a few bytes."""

RECEIVED_SPACES = """
SELECT word.space, word.at, word.received_at FROM occupancy.space_event AS word
JOIN unnest($1::int[], $2::timestamptz[], $3::text[], $4::bigint[]) AS known (space, at, epoch, seq)
    ON word.at = known.at AND word.space = known.space AND word.epoch = known.epoch AND word.seq = known.seq
"""
"""When we heard the words that these sensors said at `at`; none where a clock ran ahead, whose `at` is the receipt."""

HEAL_BY_ORDER = """
UPDATE occupancy.seq_gap AS gap SET healed_at = $1, how = 'snapshot'
FROM occupancy.resync AS asked
WHERE gap.healed_at IS NULL AND asked.car_park = gap.car_park AND asked.ordered_at > gap.after_at
    AND CASE WHEN gap.space IS NULL
        THEN EXISTS (SELECT FROM occupancy.count_state AS now WHERE now.car_park = gap.car_park
                     AND now.zone = gap.zone AND now.received_at >= asked.ordered_at)
        ELSE EXISTS (SELECT FROM occupancy.space_state AS now WHERE now.space = gap.space
                     AND now.received_at >= asked.ordered_at) END
"""
"""Whoever was heard after the order that came after the loss has told its present state."""

CLOSE = """
UPDATE occupancy.seq_gap SET healed_at = $1, how = $3
WHERE healed_at IS NULL AND car_park = $2 AND seen_at <= $4
"""

BY_FATE = """
SELECT coalesce(how, 'open') AS fate, count(*) AS gaps FROM occupancy.seq_gap
WHERE ($1::text IS NULL OR car_park = $1) AND ($2::timestamptz IS NULL OR seen_at > $2) GROUP BY 1
"""

FORGET = """
DELETE FROM occupancy.seq_gap AS gap USING (
    SELECT number, row_number() OVER (PARTITION BY car_park ORDER BY number DESC) AS place
    FROM occupancy.seq_gap) AS known
WHERE gap.number = known.number AND (gap.seen_at < $1 OR (known.place > $2 AND gap.healed_at IS NOT NULL))
"""
FORGET_AHEAD = "DELETE FROM occupancy.seq_ahead WHERE seen_at < $1"

PAGE = """
SELECT gap.number, space.label AS space, gap.zone, gap.epoch, gap.from_seq, gap.to_seq, gap.missing, gap.seen_at,
       gap.healed_at, gap.how
FROM occupancy.seq_gap AS gap LEFT JOIN registry.space_directory AS space ON space.number = gap.space
WHERE gap.car_park = $1 AND ($2::bool IS NULL OR (gap.healed_at IS NULL) = $2) AND gap.number < $3
ORDER BY gap.number DESC LIMIT $4
"""


async def insert_gaps(tx: Tx, gaps: Sequence[Gap], *, healed: Sequence[bool]) -> None:
    """Store `gaps`; those `healed` were shown by the answer to an order that came after the loss."""
    await tx.execute(
        INSERT,
        tx.now,
        [gap.source.car_park for gap in gaps],
        [gap.source.space for gap in gaps],
        [gap.source.zone for gap in gaps],
        [gap.source.epoch for gap in gaps],
        [gap.from_seq for gap in gaps],
        [gap.to_seq for gap in gaps],
        [_multirange(gap) for gap in gaps],
        [gap.after for gap in gaps],
        healed,
    )


async def open_counts(tx: Tx, car_parks: Collection[CarParkId]) -> dict[CarParkId, int]:
    """How many gaps of `car_parks` are open; those with none are missing."""
    return {CarParkId(row["car_park"]): row["open"] for row in await tx.fetch(OPEN_COUNTS, list(car_parks))}


async def fill_gaps(tx: Tx, came: Mapping[Source, Collection[int]]) -> int:
    """Take the numbers that `came` out of what is missing; how many gaps that changed."""
    return await tx.execute(FILL, tx.now, *_columns(came))


async def without_ahead(tx: Tx, gaps: Sequence[Gap]) -> list[Gap]:
    """`gaps` without the numbers that came before their turn; one of which all came is none."""
    rows = await tx.fetch(
        WITHOUT_AHEAD,
        [gap.source.car_park for gap in gaps],
        [gap.source.space for gap in gaps],
        [gap.source.zone for gap in gaps],
        [gap.source.epoch for gap in gaps],
        [_multirange(gap) for gap in gaps],
    )
    left = {row["place"]: [(part.lower, part.upper - 1) for part in row["missing"]] for row in rows}
    seen = [replace(gap, missing=left.get(place, gap.missing)) for place, gap in enumerate(gaps, 1)]
    return [gap for gap in seen if gap.missing]


async def put_ahead(tx: Tx, ahead: Mapping[Source, Collection[int]], *, ranges_max: int) -> None:
    """Keep what came before its turn; of a source that has `ranges_max` ranges no more."""
    await tx.execute(PUT_AHEAD, tx.now, ranges_max, *_columns(ahead))


async def words_received(tx: Tx, gaps: Sequence[Gap]) -> dict[tuple[int | None, datetime], datetime]:
    """When the last words before these gaps of spaces were received, by space and `after`, as far as history knows."""
    rows = await tx.fetch(
        RECEIVED_SPACES,
        [gap.source.space for gap in gaps],
        [gap.after for gap in gaps],
        [gap.source.epoch for gap in gaps],
        [gap.from_seq - 1 for gap in gaps],
    )
    return {(row["space"], row["at"]): row["received_at"] for row in rows}


async def heal_by_order(tx: Tx) -> int:
    return await tx.execute(HEAL_BY_ORDER, tx.now)


async def close_gaps(tx: Tx, car_park: CarParkId, how: str, seen_until: datetime) -> int:
    """Close what is open of `car_park` and was seen by then."""
    return await tx.execute(CLOSE, tx.now, car_park, how, seen_until)


async def gaps_by_fate(tx: Tx, car_park: CarParkId | None = None, since: datetime | None = None) -> dict[str, int]:
    """How many gaps (of one car park, seen since) there are by what became of them; `open` is nothing yet."""
    return {row["fate"]: row["gaps"] for row in await tx.fetch(BY_FATE, car_park, since)}


async def forget_gaps(tx: Tx, before: datetime, ahead_before: datetime, *, kept_max: int) -> None:
    """What was seen `before`, and of each car park what was made good beyond the newest `kept_max`."""
    await tx.execute(FORGET, before, kept_max)
    await tx.execute(FORGET_AHEAD, ahead_before)


async def gaps_page(tx: Tx, car_park: CarParkId, *, only_open: bool | None, below: int, limit: int) -> list[Row]:
    return await tx.fetch(PAGE, car_park, only_open, below, limit)


def _multirange(gap: Gap) -> str:
    return "{" + ",".join(f"[{begin},{end}]" for begin, end in gap.missing) + "}"


def _columns(numbers: Mapping[Source, Collection[int]]) -> list[list[object]]:
    rows = [(*source, number) for source, some in sorted(numbers.items(), key=str) for number in sorted(some)]
    return [list(column) for column in zip(*rows, strict=True)]
