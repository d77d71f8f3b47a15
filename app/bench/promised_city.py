"""A city with many promises, laid out by SQL in an empty database: what `berth bench search` searches.

The counters of the pools are summed here from the same random stays, by other means than the service does it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernel.db import Database, Tx
from kernel.parts import in_parts

CAR_PARKS = 608
SHARED = 5_000
PROMISES = 200_000
ON_SHARED = 20_000
DAYS = 7
RESERVABLE = 12
LAT, LON = (41.70, 41.90), (123.30, 123.57)
"""Shenyang inside its ring."""
MINUTES = 1440
_SEED = 4
_AT_ONCE = 10_000
LAID_DAYS = 60

INSERT_CAR_PARKS = """
INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone, capacity, reservable,
                               features, height_cm, created_at, updated_at)
SELECT id, 'bench', id, id, 'mall', lat, lon, 'Asia/Shanghai', 400, $4, '{ev}', 220, $5, $5
FROM unnest($1::text[], $2::float8[], $3::float8[]) AS park (id, lat, lon)
"""

INSERT_SHARED = """
WITH space AS (
    INSERT INTO registry.space (car_park, label) SELECT * FROM unnest($1::text[], $2::text[])
    RETURNING number, car_park, label
), listing AS (
    INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, price_per_hour, owner_share_bp,
                                     created_at, decided_at, updated_at)
    SELECT 'lst_' || md5(car_park || label), 'owner-' || number, car_park, number, 'approved', '[]', 200 + number % 600,
           7000, $3, $3, $3 FROM space
    RETURNING id, space
)
SELECT space, id AS listing FROM listing ORDER BY space
"""

INSERT_SLOTS = """
-- From 06:00 to 22:00 UTC of every day: each is lent for most of it.
INSERT INTO reservation.share_slot (listing, space, during)
SELECT lent.listing, lent.space, tstzrange(day + interval '6 hours', day + interval '22 hours')
FROM unnest($1::text[], $2::int[]) AS lent (listing, space)
CROSS JOIN generate_series($3::timestamptz, $3::timestamptz + $4 * interval '1 day', interval '1 day') AS day
"""

INSERT_PROMISES = """
INSERT INTO reservation.reservation (id, driver, car_park, space, space_label, listing, plate, color, during, occupies,
    state, terms, price, hold_expires_at, earliest, latest, created_at, confirmed_at)
SELECT 'rsv_' || md5(made.number::text), 'driver-' || made.number, coalesce(listing.car_park, made.car_park),
       made.space, CASE WHEN made.space IS NOT NULL THEN 'L' END, listing.id, '辽A' || made.number, 'blue',
       tstzrange(made.begins, made.until), tstzrange(made.begins, made.until), 'confirmed', '{"due_s": 1800}', 500,
       $6, made.begins, made.until, $6, $6
FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[])
    AS made (number, car_park, space, begins, until)
LEFT JOIN reservation.listing AS listing ON listing.space = made.space
"""

INSERT_POOL_DAYS = """
INSERT INTO reservation.pool_day (car_park, day, capacity, used)
SELECT $1, day, greatest($3, (SELECT max(minute) FROM unnest(used) AS minute)), used
FROM unnest($2::date[], $4::text[]) AS counted (day, minutes), LATERAL (SELECT minutes::smallint[] AS used) AS parsed
"""


async def lay_out(database: Database, progress: Callable[[str], None]) -> None:
    """608 car parks, 5,000 spaces lent daily for 60 days, 200,000 confirmed promises of the next seven days."""
    random = np.random.default_rng(_SEED)
    first = first_day(database.clock.now())
    parks = [f"bench-{index:03}" for index in range(CAR_PARKS)]
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('bench', 'b', 'b', $1)", tx.now
        )
        places = random.uniform(LAT[0], LAT[1], CAR_PARKS).tolist(), random.uniform(LON[0], LON[1], CAR_PARKS).tolist()
        await tx.execute(INSERT_CAR_PARKS, parks, *places, RESERVABLE, tx.now)
        of_park = [parks[index % CAR_PARKS] for index in range(SHARED)]
        labels = [f"L{index}" for index in range(SHARED)]
        lent = await tx.fetch(INSERT_SHARED, of_park, labels, tx.now)
    progress(f"{SHARED:,} spaces are lent on {LAID_DAYS} days")
    for some in in_parts(lent, 500):
        async with database.transaction() as tx:
            spaces = [row["space"] for row in some]
            await tx.execute(INSERT_SLOTS, [row["listing"] for row in some], spaces, first, LAID_DAYS)
    progress(f"{PROMISES:,} promises")
    await _promise(database, random, first, parks, [row["space"] for row in lent])
    async with database.transaction() as tx:
        for table in ("registry.car_park", "registry.space", "reservation.listing", "reservation.pool_day"):
            await tx.execute(f"ANALYZE {table}")
        await tx.execute("ANALYZE reservation.share_slot, reservation.reservation")


async def _promise(
    database: Database, random: np.random.Generator, first: datetime, parks: list[str], lent: list[int]
) -> None:
    """Stays of half an hour to four hours; on a lent space one a day, in its slot."""
    pooled = PROMISES - ON_SHARED
    park = random.integers(0, len(parks), pooled)
    begins = random.integers(0, DAYS * MINUTES - 240, pooled)
    stay = random.integers(30, 241, pooled)
    rows: list[tuple[str | None, int | None, int, int]] = [
        (parks[which], None, start, start + long)
        for which, start, long in zip(park.tolist(), begins.tolist(), stay.tolist(), strict=True)
    ]
    days_of_space = ON_SHARED // len(lent)
    for space, start, long in zip(
        np.repeat(lent, days_of_space).tolist(),
        random.integers(6 * 60, 18 * 60, ON_SHARED).tolist(),
        random.integers(30, 241, ON_SHARED).tolist(),
        strict=True,
    ):
        day = len(rows) % days_of_space
        rows.append((None, space, day * MINUTES + start, day * MINUTES + start + long))
    for number, some in enumerate(in_parts(rows, _AT_ONCE)):
        async with database.transaction() as tx:
            await tx.execute(
                INSERT_PROMISES,
                list(range(number * _AT_ONCE, number * _AT_ONCE + len(some))),
                [row[0] for row in some],
                [row[1] for row in some],
                [first + timedelta(minutes=row[2]) for row in some],
                [first + timedelta(minutes=row[3]) for row in some],
                tx.now,
            )
    for which, name in enumerate(parks):
        mine = park == which
        async with database.transaction() as tx:
            await _count(tx, name, first, begins[mine], (begins + stay)[mine])


async def _count(tx: Tx, name: str, first: datetime, begins: NDArray[np.int64], until: NDArray[np.int64]) -> None:
    """The counters of one pool: what came minus what went, summed up."""
    change = np.zeros(DAYS * MINUTES + 1, dtype=np.int64)
    np.add.at(change, begins, 1)
    np.add.at(change, until, -1)
    used = np.cumsum(change)[:-1].reshape(DAYS, MINUTES)
    days: list[Any] = [(first + timedelta(days=day)).date() for day in range(DAYS)]
    await tx.execute(
        INSERT_POOL_DAYS, name, days, RESERVABLE, ["{" + ",".join(map(str, day)) + "}" for day in used.tolist()]
    )


def first_day(now: datetime) -> datetime:
    """The next one, UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
