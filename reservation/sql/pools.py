"""How many of a pool are promised, minute by minute. Rows are locked in the order of their days."""

from collections.abc import Sequence
from datetime import date

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.minutes import DayPart

ADD_DAYS = """
INSERT INTO reservation.pool_day (car_park, day, capacity, used)
SELECT $1, day, $3, array_fill(0::smallint, ARRAY[1440]) FROM unnest($2::date[]) AS day
ON CONFLICT DO NOTHING
"""

_MINUTES = """
pool.used[1 : part.first - 1] || ARRAY(
    SELECT (minute {by})::smallint FROM unnest(pool.used[part.first : part.last]) AS minute
) || pool.used[part.last + 1 : 1440]"""
"""As the function `shifted` says it, written out: an SQL function is planned anew in each statement that calls it."""

UPDATE_TAKEN = f"""
UPDATE reservation.pool_day AS pool
SET used = {_MINUTES.format(by="+ 1")},
    capacity = CASE WHEN pool.capacity = {{reservable}} THEN pool.capacity
                    ELSE greatest({{reservable}}, (SELECT max(minute) FROM unnest(pool.used) AS minute)) END
FROM locked JOIN part USING (day)
WHERE pool.car_park = {{car_park}} AND pool.day = locked.day
    AND {{reservable}} > (SELECT max(minute) FROM unnest(pool.used[part.first : part.last]) AS minute)
RETURNING pool.day
"""
"""Of `part`s of days that are `locked`. A day that is missing or has no room is not among those returned. `capacity` is
what the registry says now, or what was promised when it said more."""

TAKE = f"""
-- The days are locked in order before any is written.
WITH part AS (
    SELECT * FROM unnest($2::date[], $3::int[], $4::int[]) AS part (day, first, last)
), locked AS (
    SELECT pool.day FROM reservation.pool_day AS pool JOIN part USING (day)
    WHERE pool.car_park = $1 ORDER BY pool.day FOR UPDATE OF pool
), taken AS ({UPDATE_TAKEN.format(car_park="$1", reservable="$5::int")})
SELECT ARRAY(SELECT day FROM locked) AS locked_days, ARRAY(SELECT day FROM taken) AS taken_days
"""

GIVE_BACK = f"""
WITH part AS (
    SELECT * FROM unnest($2::date[], $3::int[], $4::int[]) AS part (day, first, last)
), locked AS (
    SELECT pool.day FROM reservation.pool_day AS pool JOIN part USING (day)
    WHERE pool.car_park = $1 ORDER BY pool.day FOR UPDATE OF pool
)
UPDATE reservation.pool_day AS pool SET used = {_MINUTES.format(by="- 1")}
FROM locked JOIN part USING (day) WHERE pool.car_park = $1 AND pool.day = locked.day
"""

LOCK = """
SELECT FROM reservation.pool_day AS pool
JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::date[]) AS asked (car_park, day)) AS asked USING (car_park, day)
ORDER BY pool.car_park, pool.day FOR UPDATE OF pool
"""

FORGET = "DELETE FROM reservation.pool_day WHERE day < $1"


async def take(tx: Tx, car_park: CarParkId, parts: Sequence[DayPart], *, reservable: int) -> bool:
    """One more in every minute of `parts`; False when one has no room below `reservable`: the caller then raises, for
    the others are taken.
    """
    if not parts:
        return True
    row = await tx.fetchrow(TAKE, car_park, *columns(parts), reservable)
    return await take_rest(tx, car_park, parts, row, reservable=reservable)


async def take_rest(tx: Tx, car_park: CarParkId, parts: Sequence[DayPart], row: Row | None, *, reservable: int) -> bool:
    """What is left to take of `parts` after `row` told its `locked_days` and `taken_days`: of days that had no row yet;
    False when one that had has no room.
    """
    assert row is not None, "the statement selects one row"  # noqa: S101
    known, taken = set(row["locked_days"]), set(row["taken_days"])
    if known != taken:
        return False
    left = [part for part in parts if part.day not in known]
    if not left:
        return True
    await tx.execute(ADD_DAYS, car_park, [part.day for part in left], reservable)
    again = await tx.fetchrow(TAKE, car_park, *columns(left), reservable)
    return again is not None and len(again["taken_days"]) == len(left)


async def give_back(tx: Tx, car_park: CarParkId, parts: Sequence[DayPart]) -> None:
    """One less in every minute of `parts`."""
    if parts:
        await tx.execute(GIVE_BACK, car_park, *columns(parts))


async def give_back_all(tx: Tx, stays: Sequence[tuple[CarParkId, Sequence[DayPart]]]) -> None:
    """One less in every minute of each of `stays`; all days are locked in order before any is written."""
    days = [(car_park, part.day) for car_park, parts in stays for part in parts]
    if days:
        await tx.execute(LOCK, [car_park for car_park, _ in days], [day for _, day in days])
        await tx.executemany(GIVE_BACK, [(car_park, *columns(parts)) for car_park, parts in stays if parts])


async def forget(tx: Tx, before: date) -> int:
    """Days that are over."""
    return await tx.execute(FORGET, before)


def columns(parts: Sequence[DayPart]) -> tuple[list[date], list[int], list[int]]:
    """Days, first and last minutes, as the statements take them."""
    return [part.day for part in parts], [part.first for part in parts], [part.last for part in parts]
