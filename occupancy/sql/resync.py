"""Car parks that shall tell everything again: who, why, whether they were asked and whether they did."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from contracts.ids import CarParkId, OperatorId, OrderId
from kernel.db import Row, Tx

WANT = """
INSERT INTO occupancy.resync AS kept (car_park, cause, wanted_at, due_at)
SELECT car_park, $2, CASE $2 WHEN 'gap' THEN $1::timestamptz ELSE lost_after END, $1 + $3::interval
FROM unnest($4::text[], $5::timestamptz[]) AS evidence (car_park, lost_after)
ON CONFLICT (car_park) DO UPDATE SET
    cause = CASE WHEN kept.done_at IS NULL AND kept.cause <> 'gap' THEN kept.cause ELSE excluded.cause END,
    wanted_at = excluded.wanted_at,
    due_at = CASE WHEN excluded.cause <> 'gap' THEN excluded.due_at
                  WHEN kept.done_at IS NULL THEN kept.due_at
                  ELSE greatest(excluded.due_at, kept.ordered_at + (
                      CASE WHEN kept.attempts < $6::int THEN $7::interval ELSE $8::interval END)) END,
    attempts = CASE WHEN excluded.cause <> 'gap' THEN 0
                    WHEN kept.done_at < $1 - 2 * (
                        CASE WHEN kept.attempts < $6::int THEN $7::interval ELSE $8::interval END) THEN 0
                    ELSE kept.attempts END,
    done_at = NULL, how = NULL
WHERE (kept.ordered_at IS NULL OR kept.ordered_at <= (
        SELECT lost_after FROM unnest($4::text[], $5::timestamptz[]) AS evidence (car_park, lost_after)
        WHERE evidence.car_park = kept.car_park))
    AND ($9::interval IS NULL OR kept.done_at < $1 - $9::interval)
"""
"""Of a gap we know since when something is missing, and want a word from now on; else one since the loss. Whoever was
ordered to after the loss need not be asked again. One whose gaps come back after each snapshot is asked every $7, and
after $6 times without a rest every $8: it does not number one by one."""

ORDERED = (
    "SELECT car_park, ordered_at FROM occupancy.resync WHERE car_park = ANY($1::text[]) AND ordered_at IS NOT NULL"
)

DUE = """
SELECT asked.car_park, asked.cause, asked.wanted_at, asked.due_at, asked.attempts, asked.ordered_at,
       asked.acknowledged_at, standing.online,
       (SELECT count(*) FROM registry.space_directory AS space WHERE space.car_park = asked.car_park) AS spaces,
       (SELECT count(*) FROM occupancy.seq_gap AS gap
        WHERE gap.car_park = asked.car_park AND gap.healed_at IS NULL) AS gaps
FROM occupancy.resync AS asked
JOIN registry.car_park_revision AS known ON known.id = asked.car_park
LEFT JOIN occupancy.car_park_state AS standing ON standing.car_park = asked.car_park
WHERE asked.done_at IS NULL AND (asked.due_at <= $1 OR asked.acknowledged_at >= asked.ordered_at)
    AND ($3::text[] IS NULL OR known.operator = ANY($3))
ORDER BY asked.due_at LIMIT $2 FOR UPDATE OF asked SKIP LOCKED
"""

HEARD_SINCE = """
SELECT asked.car_park, count(*) AS told, count(*) FILTER (WHERE word.received_at >= asked.since) AS heard
FROM unnest($1::text[], $2::timestamptz[]) AS asked (car_park, since)
JOIN LATERAL (
    SELECT state.received_at FROM registry.space_directory AS space
    JOIN occupancy.space_state AS state ON state.space = space.number WHERE space.car_park = asked.car_park
    UNION ALL
    SELECT received_at FROM occupancy.count_state AS counter WHERE counter.car_park = asked.car_park) AS word ON true
GROUP BY asked.car_park
"""
"""Of the sensors and counters that ever spoke, how many have since."""

GIVEN = """
UPDATE occupancy.resync SET ordered_at = $2, order_id = $3, attempts = attempts + 1, due_at = $4, acknowledged_at = NULL
WHERE car_park = $1
"""

PUT_OFF = "UPDATE occupancy.resync SET due_at = $2, acknowledged_at = NULL WHERE car_park = $1"

DONE = "UPDATE occupancy.resync SET done_at = $2, how = $3 WHERE car_park = $1"

ACKNOWLEDGED = "UPDATE occupancy.resync SET acknowledged_at = $3 WHERE car_park = $1 AND order_id = $2"

EVERYONE = """
SELECT state.car_park FROM occupancy.car_park_state AS state
JOIN registry.car_park_revision AS known ON known.id = state.car_park
WHERE known.operator = ANY($1::text[]) AND (state.online OR (state.online IS NULL AND EXISTS (
    SELECT FROM registry.space_directory AS space JOIN occupancy.space_state AS word ON word.space = space.number
    WHERE space.car_park = state.car_park AND word.seq >= 0)))
ORDER BY state.car_park
"""
"""Whom an order may reach: those online, and those that never say so but number their words."""

OPERATORS = "SELECT id FROM registry.operator_directory"

WAITING = "SELECT count(*) FROM occupancy.resync WHERE done_at IS NULL"


async def want_snapshots(
    tx: Tx,
    evidence: Mapping[CarParkId, datetime],
    cause: str,
    *,
    grace: timedelta,
    again: timedelta,
    often: int,
    then_again: timedelta,
    rest: timedelta | None,
) -> None:
    """Ask for a snapshot of these car parks, of which something may be lost that was said after the given moments."""
    car_parks = sorted(evidence)
    lost_after = [evidence[car_park] for car_park in car_parks]
    await tx.execute(WANT, tx.now, cause, grace, car_parks, lost_after, often, again, then_again, rest)


async def ordered_at(tx: Tx, car_parks: Collection[CarParkId]) -> dict[CarParkId, datetime]:
    """When those of `car_parks` that were ever ordered to tell everything were last."""
    return {CarParkId(row["car_park"]): row["ordered_at"] for row in await tx.fetch(ORDERED, list(car_parks))}


async def due(tx: Tx, limit: int, operators: Sequence[OperatorId] | None) -> list[Row]:
    """Who is to be asked, or has answered; locked. `operators` None: of all."""
    return await tx.fetch(DUE, tx.now, limit, operators)


async def heard_since(tx: Tx, since: Mapping[CarParkId, datetime]) -> dict[CarParkId, tuple[int, int]]:
    """Of each car park: how many sensors and counters spoke since, and how many ever did."""
    rows = await tx.fetch(HEARD_SINCE, list(since), list(since.values()))
    return {CarParkId(row["car_park"]): (row["heard"], row["told"]) for row in rows}


async def note_given(tx: Tx, car_park: CarParkId, order: OrderId, again_at: datetime) -> None:
    await tx.execute(GIVEN, car_park, tx.now, order, again_at)


async def put_off(tx: Tx, car_park: CarParkId, until: datetime) -> None:
    await tx.execute(PUT_OFF, car_park, until)


async def note_done(tx: Tx, car_park: CarParkId, how: str) -> None:
    await tx.execute(DONE, car_park, tx.now, how)


async def note_acknowledged(tx: Tx, car_park: CarParkId, order: OrderId, at: datetime) -> None:
    await tx.execute(ACKNOWLEDGED, car_park, order, at)


async def reachable(tx: Tx, operators: Sequence[OperatorId]) -> list[CarParkId]:
    return [CarParkId(row["car_park"]) for row in await tx.fetch(EVERYONE, operators)]


async def operators(tx: Tx) -> list[OperatorId]:
    return [OperatorId(row["id"]) for row in await tx.fetch(OPERATORS)]


async def waiting(tx: Tx) -> int:
    """How many car parks shall tell everything again and have not."""
    count: int = await tx.fetchval(WAITING)
    return count
