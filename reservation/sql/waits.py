"""Who waits for what, in the order of their coming."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.minutes import ceil
from reservation.stay import Place, Stay

_COLUMNS = """
wait.id, wait.number, wait.driver, wait.car_park, wait.space, wait.space_label, wait.plate, wait.color,
lower(wait.during) AS begins, upper(wait.during) AS until, wait.state, wait.created_at, wait.ended_at, wait.reservation
"""

_FITS: Final = """
-- What somebody waits for and could be promised now; of a window that has begun, the rest from the next minute on. The
-- pool is asked as a hold asks it, minute by minute.
wait.state = 'waiting' AND upper(wait.during) > {soon} AND NOT card.closed
AND NOT EXISTS (
    SELECT FROM reservation.reservation AS kept WHERE kept.plate = wait.plate AND kept.color = wait.color
        AND kept.occupies && {rest} AND kept.state IN ('held', 'confirmed', 'checked_in'))
AND (wait.space IS NULL OR NOT EXISTS (
    SELECT FROM reservation.reservation AS kept WHERE kept.space = wait.space
        AND kept.occupies && {rest} AND kept.state IN ('held', 'confirmed', 'checked_in')))
AND CASE
    WHEN EXISTS (SELECT FROM reservation.private_space AS private WHERE private.space = wait.space)
    THEN EXISTS (SELECT FROM reservation.share_slot AS slot JOIN reservation.listing AS lent ON lent.id = slot.listing
                 WHERE slot.space = wait.space AND slot.during @> {rest} AND lent.state = 'approved')
    ELSE {pool} > 0 AND NOT EXISTS (
        SELECT FROM generate_series(date_trunc('day', lower({rest})),
                                    upper(wait.during) - interval '1 us', '1 day') AS day (begins)
        JOIN reservation.pool_day AS pool ON pool.car_park = wait.car_park AND pool.day = day.begins::date
        WHERE {pool} <= ANY (pool.used[
            greatest(1, 1 + floor(extract(epoch FROM lower({rest}) - day.begins) / 60)::integer)
            : least(1440, ceil(extract(epoch FROM upper(wait.during) - day.begins) / 60)::integer)]))
    END
"""


def _fits(soon: str) -> str:
    """`soon` is the parameter with the next minute."""
    rest = f"tstzrange(least(greatest(lower(wait.during), {soon}), upper(wait.during)), upper(wait.during))"
    private = "SELECT count(DISTINCT space) FROM reservation.private_space AS private WHERE private.car_park = card.id"
    pool = f"least(card.reservable, 32767, greatest(0, card.capacity - ({private})))"
    return _FITS.format(soon=soon, rest=rest, pool=pool)


NEXT = f"""
SELECT {_COLUMNS} FROM reservation.wait AS wait JOIN registry.car_park_card AS card ON card.id = wait.car_park
WHERE wait.car_park = ANY ($1) AND wait.number > $2
    AND ($4::timestamptz IS NULL OR wait.during && tstzrange($4, $5::timestamptz)) AND {_fits("$3::timestamptz")}
ORDER BY wait.number LIMIT $6 FOR UPDATE OF wait SKIP LOCKED
"""

ANYBODY = """
SELECT EXISTS (SELECT FROM reservation.wait WHERE state = 'waiting' AND car_park = ANY ($1))
    OR EXISTS (SELECT FROM reservation.wait WHERE state = 'offered' AND car_park = ANY ($1))
"""

CAR_PARKS = f"""
SELECT DISTINCT wait.car_park
FROM reservation.wait AS wait JOIN registry.car_park_card AS card ON card.id = wait.car_park
WHERE {_fits("$1::timestamptz")}
"""

INSERT = """
INSERT INTO reservation.wait (id, driver, car_park, space, space_label, plate, color, during, state,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, tstzrange($8, $9), 'waiting', $10)
"""

COUNT_OF_DRIVER = """
SELECT count(*) FROM reservation.wait
WHERE driver = $1 AND (state = 'waiting' AND upper(during) > $2 OR state = 'offered')
"""

OFFERED = "UPDATE reservation.wait SET state = 'offered', reservation = $2 WHERE id = $1"

END = """
UPDATE reservation.wait SET state = $2, ended_at = $3 WHERE id = $1 AND state IN ('waiting', 'offered')
"""

SETTLE = """
-- What became of offers, and whose time is over. A reservation that ends is locked before whoever waited for it.
WITH over AS (
    SELECT wait.id, CASE WHEN kept.confirmed_at IS NULL THEN 'lapsed' ELSE 'taken' END AS state
    FROM reservation.wait AS wait JOIN reservation.reservation AS kept ON kept.id = wait.reservation
    WHERE wait.state = 'offered' AND kept.state <> 'held' AND ($1::text[] IS NULL OR wait.car_park = ANY ($1))
    LIMIT $3 FOR UPDATE OF wait SKIP LOCKED
), late AS (
    SELECT id, 'lapsed' AS state FROM reservation.wait
    WHERE state = 'waiting' AND upper(during) <= $2 AND ($1::text[] IS NULL OR car_park = ANY ($1))
    LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE reservation.wait AS wait SET state = ended.state, ended_at = $2
FROM (SELECT * FROM over UNION ALL SELECT * FROM late) AS ended WHERE wait.id = ended.id
"""

_SHOWN = f"""
-- With the state that its offer gives it, whether or not the sweep came by yet, and how many stand before it.
SELECT {_COLUMNS}, kept.hold_expires_at, kept.ended_at AS kept_ended_at, kept.confirmed_at,
    CASE WHEN wait.state <> 'offered' THEN wait.state WHEN kept.confirmed_at IS NOT NULL THEN 'taken'
         WHEN kept.state <> 'held' OR kept.hold_expires_at <= {{now}} THEN 'lapsed' ELSE 'offered' END AS shown,
    CASE WHEN wait.state = 'waiting' THEN (
        SELECT count(*) FROM reservation.wait AS before
        WHERE before.car_park = wait.car_park AND before.state = 'waiting' AND before.number < wait.number
            AND before.during && wait.during AND (before.space IS NOT DISTINCT FROM wait.space
                OR NOT EXISTS (SELECT FROM reservation.private_space AS private
                               WHERE private.space IN (before.space, wait.space)))) END AS ahead
FROM reservation.wait AS wait LEFT JOIN reservation.reservation AS kept ON kept.id = wait.reservation
"""

READ = f"{_SHOWN.format(now='$3')} WHERE wait.id = $1 AND wait.driver = $2"

PAGE = f"""{_SHOWN.format(now="$5")}
WHERE wait.driver = $1 AND ($2::text IS NULL OR wait.id < $2)
    AND ($3 OR wait.state = 'waiting' AND upper(wait.during) > $5
         OR wait.state = 'offered' AND kept.state = 'held' AND kept.hold_expires_at > $5)
ORDER BY wait.id DESC LIMIT $4
"""

IN_LINE = """
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'offered') AS offered
FROM reservation.wait WHERE state IN ('waiting', 'offered')
"""


async def is_anybody_in_line(tx: Tx, car_parks: Sequence[CarParkId]) -> bool:
    """Whether there is anything to do: at most car parks nobody waits."""
    return bool(await tx.fetchval(ANYBODY, car_parks))


async def next_that_fit(
    tx: Tx, car_parks: Sequence[CarParkId], *, during: tuple[datetime, datetime] | None, after: int, limit: int
) -> list[Row]:
    """Who came first behind `after`, waits for some of `during`, and could be promised it now; locked, in order."""
    begins, until = during or (None, None)
    return await tx.fetch(NEXT, car_parks, after, ceil(tx.now), begins, until, limit)


async def car_parks_with_room(tx: Tx) -> list[CarParkId]:
    """Where somebody waits for what could be promised now."""
    return [CarParkId(row["car_park"]) for row in await tx.fetch(CAR_PARKS, ceil(tx.now))]


async def insert(tx: Tx, wait: str, *, driver: str, place: Place, stay: Stay) -> None:
    """The last in the line."""
    await tx.execute(
        INSERT,
        wait,
        driver,
        place.car_park,
        place.space,
        place.label,
        stay.vehicle.plate,
        stay.vehicle.color,
        stay.begins,
        stay.until,
        tx.now,
    )


async def count_of_driver(tx: Tx, driver: str) -> int:
    """For how much the driver waits."""
    return int(await tx.fetchval(COUNT_OF_DRIVER, driver, tx.now))


async def offered(tx: Tx, wait: str, reservation: str) -> None:
    """The hold that whoever waits is offered."""
    await tx.execute(OFFERED, wait, reservation)


async def end(tx: Tx, wait: str, state: str) -> bool:
    """False when it had ended before."""
    return await tx.execute(END, wait, state, tx.now) > 0


async def settle(tx: Tx, car_parks: Sequence[CarParkId] | None, limit: int) -> int:
    """End what is over, at most twice `limit`; None: everywhere."""
    return await tx.execute(SETTLE, car_parks, tx.now, limit)


async def read(tx: Tx, wait: str, *, driver: str) -> Row | None:
    return await tx.fetchrow(READ, wait, driver, tx.now)


async def page_of_driver(tx: Tx, driver: str, *, below: str | None, ended: bool, limit: int) -> list[Row]:
    """Newest first; `ended` ones too, or only those that stand."""
    return await tx.fetch(PAGE, driver, below, ended, limit, tx.now)


async def in_line(tx: Tx) -> Row:
    """How many are `waiting`, and how many `offered`."""
    row = await tx.fetchrow(IN_LINE)
    assert row is not None, "the statement counts"  # noqa: S101
    return row
