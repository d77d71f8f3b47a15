"""What the watch over health reads and keeps: hours, scores, devices."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.health import COUNTS, LATENCY_CLASSES, LATENCY_EDGES_S, HealthHour
from occupancy.quality import Present, Quality, Reason

LOCK_LOOK = "SELECT until FROM occupancy.health_look FOR UPDATE"
SET_LOOK = "UPDATE occupancy.health_look SET until = $1"

WORDS = """
WITH words AS (
    SELECT space.car_park, state.at, state.received_at
    FROM occupancy.space_state AS state JOIN registry.space_directory AS space ON space.number = state.space
    WHERE state.received_at > $1 AND state.received_at <= $2
    UNION ALL
    SELECT car_park, at, received_at FROM occupancy.count_state WHERE received_at > $1 AND received_at <= $2
    UNION ALL
    SELECT passage.car_park, passage.at, passage.received_at
    FROM occupancy.car_park_state AS state JOIN occupancy.passage USING (car_park)
    WHERE passage.at > $1::timestamptz - $3::interval AND passage.received_at > $1 AND passage.received_at <= $2)
SELECT car_park, width_bucket(extract(epoch FROM received_at - at)::float8, $4::float8[]) AS class, count(*) AS words
FROM words WHERE received_at - at <= $3::interval GROUP BY 1, 2
"""
"""Live words received in ($1, $2], by how long they took; what is older than $3 when it comes was kept somewhere. Of a
sensor or counter that spoke several times since the last look the last word stands for all: that costs the same however
much is said."""

AHEAD = """
SELECT car_park, count(*) AS words FROM (
    SELECT space.car_park
    FROM occupancy.space_event AS event JOIN registry.space_directory AS space ON space.number = event.space
    WHERE event.at > $1::timestamptz + $3::interval AND event.received_at > $1 AND event.received_at <= $2
        AND event.at > event.received_at + $3::interval
    UNION ALL
    SELECT car_park FROM occupancy.count_state AS counter JOIN occupancy.count_event AS event USING (car_park, zone)
    WHERE event.at > $1::timestamptz + $3::interval AND event.received_at > $1 AND event.received_at <= $2
        AND event.at > event.received_at + $3::interval) AS ahead
GROUP BY car_park
"""
"""Words received in ($1, $2] with a clock that ran ahead by more than $3. History holds what the clock said."""

# A state counts once a look. Whoever cannot be heard because nobody listens is not to blame for his silence.
LOOK = f"""
INSERT INTO occupancy.health_hour AS kept (
    car_park, hour, looks, dark, overfull, capacity, unheard, spaces, silent, flapping, sources, gapped, stored,
    duplicate, late, rejected, clock_ahead, latencies)
SELECT card.id, date_trunc('hour', $1::timestamptz), heard, heard * now.dark, heard * now.overfull,
       heard * coalesce(state.capacity, 0),
       heard * least(coalesce(state.capacity, 0), greatest(0, coalesce(state.unknown, 0) - now.silent)),
       heard * now.spaces, heard * now.silent, heard * now.flapping, heard * now.sources, heard * now.gapped,
       greatest(0, coalesce(books.stored - coalesce(mark.stored, 0), 0)),
       greatest(0, coalesce(books.duplicate - coalesce(mark.duplicate, 0), 0)),
       greatest(0, coalesce(books.late - coalesce(mark.late, 0), 0)),
       greatest(0, coalesce(books.dead - coalesce(mark.rejected, 0), 0)),
       coalesce(words.ahead, 0),
       coalesce(
           ($5::int[])[(words.n::int - 1) * {LATENCY_CLASSES} + 1 : words.n::int * {LATENCY_CLASSES}], '{{}}')
FROM registry.car_park_card AS card
LEFT JOIN occupancy.car_park_state AS state ON state.car_park = card.id
LEFT JOIN gateway.tally_now AS books ON books.car_park = card.id
LEFT JOIN occupancy.health_mark AS mark ON mark.car_park = card.id
LEFT JOIN gateway.deaf_operator AS deaf ON deaf.operator = card.operator
LEFT JOIN (SELECT car_park, count(*) FILTER (WHERE kind = 'silent') AS silent,
                  count(*) FILTER (WHERE kind = 'flapping') AS flapping
           FROM occupancy.space_doubt GROUP BY car_park) AS doubt ON doubt.car_park = card.id
LEFT JOIN (SELECT car_park, count(*) AS counters FROM occupancy.count_state GROUP BY car_park) AS counting
    ON counting.car_park = card.id
LEFT JOIN (SELECT car_park, count(DISTINCT (space, zone)) AS gapped FROM occupancy.seq_gap
           WHERE healed_at IS NULL AND seen_at < $1::timestamptz - $6::interval GROUP BY car_park) AS gap
    ON gap.car_park = card.id
LEFT JOIN unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS words (car_park, ahead, n) ON words.car_park = card.id
LEFT JOIN (SELECT car_park, count(*) AS spaces FROM registry.space_directory GROUP BY car_park) AS numbered
    ON numbered.car_park = card.id
CROSS JOIN LATERAL (SELECT
    CASE WHEN state.as_of IS NULL THEN 0 ELSE 1 END AS heard,
    CASE WHEN deaf.operator IS NULL AND state.state <> 'closed'
              AND (state.as_of < $1::timestamptz - $2::interval OR state.online IS FALSE) THEN 1 ELSE 0 END AS dark,
    CASE WHEN state.occupied > state.capacity AND state.capacity > 0 THEN 1 ELSE 0 END AS overfull,
    coalesce(numbered.spaces, 0) AS spaces,
    least(coalesce(numbered.spaces, 0), coalesce(doubt.silent, 0)) AS silent,
    least(coalesce(numbered.spaces, 0), coalesce(doubt.flapping, 0)) AS flapping,
    coalesce(numbered.spaces, 0) + coalesce(counting.counters, 0) AS sources,
    least(coalesce(numbered.spaces, 0) + coalesce(counting.counters, 0), coalesce(gap.gapped, 0)) AS gapped) AS now
WHERE state.car_park IS NOT NULL OR books.car_park IS NOT NULL
ON CONFLICT (car_park, hour) DO UPDATE SET
    {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in COUNTS if name not in {"gaps", "lost"})},
    latencies = CASE WHEN excluded.latencies = '{{}}' THEN kept.latencies ELSE (
        SELECT array_agg(coalesce(one, 0) + coalesce(other, 0) ORDER BY place)
        FROM unnest(kept.latencies, excluded.latencies) WITH ORDINALITY AS both_ (one, other, place)) END
"""

SET_MARKS = """
INSERT INTO occupancy.health_mark (car_park, stored, duplicate, late, rejected)
SELECT car_park, stored, duplicate, late, dead FROM gateway.tally_now
ON CONFLICT (car_park) DO UPDATE SET
    stored = excluded.stored, duplicate = excluded.duplicate, late = excluded.late, rejected = excluded.rejected
WHERE (health_mark.stored, health_mark.duplicate, health_mark.late, health_mark.rejected)
    IS DISTINCT FROM (excluded.stored, excluded.duplicate, excluded.late, excluded.rejected)
"""

COUNT_GAPS = """
INSERT INTO occupancy.health_hour AS kept (car_park, hour, gaps, lost)
SELECT gap.car_park, date_trunc('hour', gap.seen_at), count(*), sum(least($2::bigint, (
           SELECT coalesce(sum(upper(range) - lower(range)), 0) FROM unnest(gap.missing) AS range)))
FROM occupancy.seq_gap AS gap JOIN registry.car_park_card AS card ON card.id = gap.car_park
WHERE gap.seen_at >= $1 GROUP BY 1, 2
ON CONFLICT (car_park, hour) DO UPDATE SET gaps = excluded.gaps, lost = excluded.lost
WHERE (kept.gaps, kept.lost) IS DISTINCT FROM (excluded.gaps, excluded.lost)
"""
"""Numbers that come late are not lost: what was counted of the hours since $1 is counted again."""

PRESENT = """
SELECT state.car_park, deaf.operator IS NULL AND state.state <> 'closed'
       AND (state.as_of < $1::timestamptz - $2::interval OR state.online IS FALSE) AS dark,
       least(1, coalesce((SELECT sum(abs(proposal.correction)) FROM occupancy.drift_proposal AS proposal
                          WHERE proposal.car_park = state.car_park AND proposal.state = 'proposed'), 0)
                / greatest(state.capacity, 1)::float8) AS drift
FROM occupancy.car_park_state AS state JOIN registry.car_park_card AS card ON card.id = state.car_park
LEFT JOIN gateway.deaf_operator AS deaf ON deaf.operator = card.operator
WHERE state.as_of IS NOT NULL ORDER BY state.car_park
"""

HOURS = f"""
SELECT car_park, hour, {", ".join(COUNTS)}, latencies FROM occupancy.health_hour
WHERE car_park = ANY($1::text[]) AND hour >= $2 ORDER BY car_park, hour
"""

PUT_SCORES = """
INSERT INTO occupancy.quality (car_park, score, reasons, rated_at)
SELECT key, (value -> 'score')::smallint, value -> 'reasons', $2 FROM jsonb_each($1::jsonb)
ON CONFLICT (car_park) DO UPDATE SET score = excluded.score, reasons = excluded.reasons, rated_at = excluded.rated_at
"""

SCORES = """
SELECT car_park, score, reasons FROM occupancy.quality WHERE $1::text[] IS NULL OR car_park = ANY($1)
"""

FORGET_HOURS = "DELETE FROM occupancy.health_hour WHERE hour < $1"
FORGET_GONE = tuple(
    f"DELETE FROM occupancy.{table} AS old WHERE NOT EXISTS (SELECT FROM registry.{known} WHERE id = old.{key})"
    for table, key, known in (
        ("quality", "car_park", "car_park_card"),
        ("health_mark", "car_park", "car_park_card"),
        ("device_health", "device", "device_directory"),
    )
)


async def lock_look(tx: Tx) -> datetime | None:
    """Until when history was read, None before the first look; nobody else looks meanwhile."""
    until: datetime | None = await tx.fetchval(LOCK_LOOK)
    return until


async def set_look(tx: Tx, until: datetime) -> None:
    await tx.execute(SET_LOOK, until)


async def words_between(tx: Tx, begin: datetime, end: datetime, *, live_within: timedelta) -> list[Row]:
    """`car_park, class, words` of the live words received in (begin, end]."""
    return await tx.fetch(WORDS, begin, end, live_within, list(LATENCY_EDGES_S))


async def words_ahead(tx: Tx, begin: datetime, end: datetime, *, ahead_by: timedelta) -> list[Row]:
    """`car_park, words`: how many received in (begin, end] told a time in our future."""
    return await tx.fetch(AHEAD, begin, end, ahead_by)


async def add_look(
    tx: Tx,
    *,
    stale_after: timedelta,
    gap_open_after: timedelta,
    latencies: Mapping[str, Sequence[int]],
    ahead: Mapping[str, int],
) -> None:
    """Add one look at every car park that was ever heard to its present hour, with the words since the last one."""
    await tx.execute(
        LOOK,
        tx.now,
        stale_after,
        list(latencies),
        [ahead[car_park] for car_park in latencies],
        [words for histogram in latencies.values() for words in histogram],
        gap_open_after,
    )
    await tx.execute(SET_MARKS)


async def count_gaps(tx: Tx, since: datetime, *, lost_a_gap_max: int) -> None:
    await tx.execute(COUNT_GAPS, since, lost_a_gap_max)


async def presents(tx: Tx, stale_after: timedelta) -> dict[CarParkId, Present]:
    """How each car park that was ever heard is now."""
    rows = await tx.fetch(PRESENT, tx.now, stale_after)
    return {CarParkId(row["car_park"]): Present(row["dark"], row["drift"]) for row in rows}


async def hours_of(tx: Tx, car_parks: Sequence[CarParkId], since: datetime) -> dict[CarParkId, list[HealthHour]]:
    """The hours of `car_parks` from `since` on, in their order."""
    hours: dict[CarParkId, list[HealthHour]] = {car_park: [] for car_park in car_parks}
    for row in await tx.fetch(HOURS, list(car_parks), since):
        _, hour, *counts, latencies = row
        hours[CarParkId(row["car_park"])].append(
            HealthHour(hour, **dict(zip(COUNTS, counts, strict=True)), latencies=latencies)
        )
    return hours


async def put_scores(tx: Tx, rated: Mapping[CarParkId, Quality]) -> None:
    rows = {
        car_park: {"score": quality.score, "reasons": [_row_of(reason) for reason in quality.reasons]}
        for car_park, quality in rated.items()
    }
    await tx.execute(PUT_SCORES, rows, tx.now)


async def scores(tx: Tx, car_parks: Sequence[CarParkId] | None) -> dict[CarParkId, Quality]:
    """The score of `car_parks` (None: of all); one that is not rated yet is missing."""
    return {CarParkId(row["car_park"]): quality_of(row) for row in await tx.fetch(SCORES, car_parks)}


def quality_of(row: Row) -> Quality:
    """From a row with `score` and `reasons`."""
    return Quality(row["score"], [Reason(**reason) for reason in row["reasons"]])


async def forget(tx: Tx, before: datetime) -> None:
    """Hours before `before`, and what is no longer in the registry."""
    await tx.execute(FORGET_HOURS, before)
    for statement in FORGET_GONE:
        await tx.execute(statement)


def _row_of(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "points": reason.points, "measure": round(reason.measure, 4)}
