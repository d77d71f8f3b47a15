"""Holds the promises in the database against what was answered, by SQL of its own: nothing oversold, nothing promised
twice, nothing lost, one effect for one key.
"""

import asyncpg

from tests.faults.oracle import Verdict
from tests.faults.promise_racers import Ledger

_ACTIVE = "state IN ('held', 'confirmed', 'checked_in')"

OVERSOLD = f"""
-- At the beginning of each promise so many are due at once: a pool is fullest where one begins.
SELECT begun.car_park, lower(begun.occupies) AS at, count(*) AS promised, park.reservable
FROM reservation.reservation AS begun
JOIN reservation.reservation AS other ON other.car_park = begun.car_park AND other.occupies @> lower(begun.occupies)
    AND other.{_ACTIVE} AND other.listing IS NULL
JOIN registry.car_park AS park ON park.id = begun.car_park
WHERE begun.{_ACTIVE} AND begun.listing IS NULL
GROUP BY begun.id, begun.car_park, lower(begun.occupies), park.reservable HAVING count(*) > park.reservable
"""

OVERLAPS = f"""
SELECT one.id, other.id AS other FROM reservation.reservation AS one
JOIN reservation.reservation AS other ON other.id > one.id AND other.occupies && one.occupies
    AND (other.space = one.space OR (other.plate, other.color) = (one.plate, one.color))
WHERE one.{_ACTIVE} AND other.{_ACTIVE}
"""

MISCOUNTED = f"""
-- Every minute of every pool against the promises that touch it.
SELECT pool.car_park, pool.day, minute.number, minute.used
FROM reservation.pool_day AS pool CROSS JOIN unnest(pool.used) WITH ORDINALITY AS minute (used, number)
LEFT JOIN (
    SELECT kept.car_park, touched.at, count(*) AS number FROM reservation.reservation AS kept
    CROSS JOIN generate_series(date_trunc('minute', lower(occupies)), upper(occupies) - interval '1 us', '1 minute')
        AS touched (at)
    WHERE kept.{_ACTIVE} AND kept.listing IS NULL GROUP BY kept.car_park, touched.at
) AS counted ON counted.car_park = pool.car_park
    AND counted.at = (pool.day + (minute.number - 1) * interval '1 minute') AT TIME ZONE 'UTC'
WHERE minute.used <> coalesce(counted.number, 0)
"""

KEPT = """
SELECT kept.id, driver, state, version, upper(during) AS until, price,
    (SELECT count(*) FROM reservation.event WHERE event.reservation = kept.id) AS events
FROM reservation.reservation AS kept
"""

ANSWERS = """
SELECT count(*) FROM kernel.idempotency WHERE route = 'POST /v1/reservations'
"""


async def promised_twice(database_url: str) -> list[str]:
    """What may be at no moment, not even while it goes on: each look is one snapshot."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _impossible(connection)
    finally:
        await connection.close()


async def _impossible(connection: asyncpg.Connection) -> list[str]:
    return [
        *(f"oversold: {dict(row)}" for row in await connection.fetch(OVERSOLD)),
        *(f"promised twice: {dict(row)}" for row in await connection.fetch(OVERLAPS)),
        *(f"miscounted: {dict(row)}" for row in await connection.fetch(MISCOUNTED)),
    ]


async def judge_promises(database_url: str, ledger: Ledger) -> Verdict:
    """After the race, when every request has its final answer."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    try:
        impossible = await _impossible(connection)
        rows = {row["id"]: row for row in await connection.fetch(KEPT)}
        answers = await connection.fetchval(ANSWERS)
    finally:
        await connection.close()
    wrong = [fault for name in ledger.promises if name in rows for fault in _faults(ledger, name, rows[name])]
    if answers != len(ledger.promises):
        wrong.append(f"{len(ledger.promises)} holds were answered, {answers} answers are kept")
    return Verdict(
        events=ledger.attempts,
        history=len(rows),
        lost=sorted(ledger.promises.keys() - rows.keys()),
        invented=sorted(rows.keys() - ledger.promises.keys()),
        doubled=list(ledger.differing),
        wrong=[*impossible, *wrong],
        unexplained=[],
        unbalanced=[],
    )


def _faults(ledger: Ledger, name: str, row: asyncpg.Record) -> list[str]:
    """Of one promise: it is as it was answered last, or a hold that has run out since."""
    told = ledger.promises[name]
    until = row["until"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    ran_out = told.state == "held" and row["state"] == "expired"
    wanted = (told.driver, "expired" if ran_out else told.state, told.steps + ran_out, told.until, told.price)
    found = (row["driver"], row["state"], row["version"], until, row["price"])
    faults = [] if found == wanted else [f"{name} is {found}, answered was {wanted}"]
    if row["events"] != row["version"]:
        faults.append(f"{name} has {row['events']} events in version {row['version']}")
    return faults
