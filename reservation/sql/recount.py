"""What the counters of the pools must be, by the promises alone: another way than the one they are moved by."""

from collections.abc import Sequence
from datetime import date

from contracts.ids import CarParkId
from kernel.db import Row, Tx

CAR_PARKS = """
-- Those that promise anything from today on, or have counters.
SELECT car_park FROM reservation.pool_day WHERE day >= $1::date
UNION SELECT car_park FROM reservation.reservation
WHERE state IN ('held', 'confirmed', 'checked_in') AND listing IS NULL
ORDER BY car_park
"""

LOCK = """
SELECT day FROM reservation.pool_day WHERE car_park = $1 AND day >= $2::date ORDER BY day FOR UPDATE
"""

_COUNTED = """
-- For each day from today on the minutes that promises touch: up where one begins, down behind its last minute, summed.
WITH active AS (
    SELECT car_park, lower(occupies) AS begins, upper(occupies) AS until FROM reservation.reservation
    WHERE state IN ('held', 'confirmed', 'checked_in') AND listing IS NULL AND NOT isempty(occupies)
        AND ($2::text IS NULL OR car_park = $2)
), asked AS (
    SELECT car_park, day FROM reservation.pool_day WHERE day >= $1::date AND ($2::text IS NULL OR car_park = $2)
    UNION
    SELECT car_park, day::date FROM active
    CROSS JOIN generate_series(greatest(begins::date, $1::date), (until - interval '1 us')::date, '1 day') AS day
), moved AS (
    SELECT asked.car_park, asked.day, step.number, sum(step.by) AS by
    FROM asked JOIN active ON active.car_park = asked.car_park
        AND active.begins < asked.day + 1 AND active.until > asked.day
    CROSS JOIN LATERAL (VALUES
        (greatest(1, 1 + floor(extract(epoch FROM active.begins - asked.day) / 60))::integer, 1),
        (least(1440, ceil(extract(epoch FROM active.until - asked.day) / 60))::integer + 1, -1)) AS step (number, by)
    GROUP BY asked.car_park, asked.day, step.number
), counted AS (
    SELECT asked.car_park, asked.day, array_agg(level.used ORDER BY level.number) AS used,
        CASE WHEN asked.day = $1::date THEN 2 + floor(extract(epoch FROM $3::timestamptz - asked.day) / 60)::integer
             ELSE 1 END AS since -- what is over, or begun, is nobody's any more
    FROM asked CROSS JOIN LATERAL (
        SELECT minute.number, (sum(coalesce(moved.by, 0)) OVER (ORDER BY minute.number))::smallint AS used
        FROM generate_series(1, 1440) AS minute (number)
        LEFT JOIN moved ON moved.car_park = asked.car_park AND moved.day = asked.day AND moved.number = minute.number
        ) AS level
    GROUP BY asked.car_park, asked.day
)
"""

DIFFERENCES = f"""{_COUNTED}
SELECT counted.car_park, counted.day, count(*) AS minutes, min(minute.number) AS first
FROM counted LEFT JOIN reservation.pool_day AS pool ON pool.car_park = counted.car_park AND pool.day = counted.day
CROSS JOIN LATERAL unnest(counted.used, pool.used) WITH ORDINALITY AS minute (counted, used, number)
WHERE minute.number >= counted.since AND minute.counted <> coalesce(minute.used, 0)
GROUP BY counted.car_park, counted.day ORDER BY counted.car_park, counted.day
"""

MEND = f"""{_COUNTED}
INSERT INTO reservation.pool_day AS pool (car_park, day, capacity, used)
SELECT car_park, day, (SELECT max(minute) FROM unnest(used) AS minute), used FROM counted WHERE day = ANY ($4::date[])
ON CONFLICT (car_park, day) DO UPDATE SET
    used = pool.used[1 : (SELECT since FROM counted WHERE counted.day = pool.day) - 1]
        || excluded.used[(SELECT since FROM counted WHERE counted.day = pool.day) : 1440],
    capacity = greatest(pool.capacity, excluded.capacity)
"""


async def car_parks(tx: Tx) -> list[CarParkId]:
    """All that have something to count."""
    return [CarParkId(row["car_park"]) for row in await tx.fetch(CAR_PARKS, tx.now.date())]


async def lock(tx: Tx, car_park: CarParkId) -> None:
    """No step of a promise moves the counters of `car_park` until the transaction ends."""
    await tx.fetch(LOCK, car_park, tx.now.date())


async def differences(tx: Tx, car_park: CarParkId | None = None) -> list[Row]:
    """`car_park`, `day`, `minutes` and the `first` of days whose counters are not what the promises say."""
    return await tx.fetch(DIFFERENCES, tx.now.date(), car_park, tx.now)


async def mend(tx: Tx, car_park: CarParkId, days: Sequence[date]) -> None:
    """Write what was counted into the minutes to come of `days`, whose rows are locked."""
    await tx.execute(MEND, tx.now.date(), car_park, tx.now, days)
