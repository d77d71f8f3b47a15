"""What can be promised for a window, in one statement, in the order asked for, as far as asked for.

Every branch first sorts what may come into question and then looks, place by place, whether there is room, until the
page is full: a search over a whole city touches the counters and promises of some dozens of places, whatever is stored.
The looks are scalar subqueries and the open slots of a car park a LATERAL that cannot be pulled up (`OFFSET 0`), for as
joins the planner would take all of them at once. See docs/reservation.md for what that gives.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from contracts.near import EARTH_RADIUS_M
from kernel.db import Row, Tx
from reservation.minutes import day_parts
from reservation.policy import Policy

Sort = Literal["distance", "price"]


class Asked(Struct, frozen=True, kw_only=True):
    """`near` in WGS-84 with `radius_m` around it, or a `car_park`, or both; in it perhaps one numbered `space`."""

    begins: datetime
    until: datetime
    near: tuple[float, float] | None = None
    radius_m: float | None = None
    box: tuple[float, float, float, float] = (-90, 90, -180, 180)
    """South, north, west, east: around `near`, so that distances are computed of few."""
    car_park: str | None = None
    space: str | None = None
    height_cm: int | None = None
    features: tuple[str, ...] = ()
    sort: Sort = "distance"
    after: tuple[int, int, str, int] = (-1, -1, "", 0)
    """The key of the last offer on the page before: rank (what an hour costs, where that sorts), distance, car park,
    number of the space (0: any of the pool)."""
    limit: int
    soon: bool = False
    """It begins so soon that sensors say more than promises do."""


_ROOM_IN_POOL = """
(SELECT count(*) FROM unnest($15::date[], $16::integer[], $17::integer[]) AS part (day, first, last)
 JOIN reservation.pool_day AS pool ON pool.car_park = park.id AND pool.day = part.day
 WHERE pooled.reservable <= ANY (pool.used[part.first : part.last])) = 0
"""
_POOLED = """
SELECT least(park.said, 32767, park.capacity - (
    SELECT count(DISTINCT private.space) FROM reservation.private_space AS private WHERE private.car_park = park.id
))::integer AS reservable OFFSET 0
"""
"""A private space is not of the pool, and never promised as one."""
_FREE_NOW = """
coalesce((SELECT CASE WHEN now.stale OR now.occupied IS NULL THEN NULL
                      ELSE now.capacity - now.out_of_service - now.occupied - now.promised END
          FROM occupancy.car_park_now AS now WHERE now.car_park = park.id), 32767)
"""
_SPACE_IS_FREE = """
(SELECT count(*) FROM reservation.reservation AS kept
 WHERE kept.space = {space} AND kept.occupies && tstzrange($11, $12)
     AND kept.state IN ('held', 'confirmed', 'checked_in')
     AND NOT (kept.state = 'held' AND kept.hold_expires_at <= $13)) = 0
AND (NOT $14 OR (
    (SELECT count(*) FROM reservation.reservation AS inside
     WHERE inside.space = {space} AND inside.state = 'checked_in' AND upper(inside.during) <= $13) = 0
    AND coalesce((SELECT now.state NOT IN ('occupied', 'out_of_service')
                  FROM occupancy.space_now AS now WHERE now.space = {space}), true)))
"""
_OPEN = """
SELECT listing.space, listing.id AS listing, listing.price_per_hour AS lent_per_hour, listing.owner_share_bp,
       listing.notice_s
FROM reservation.share_slot AS slot JOIN reservation.listing AS listing ON listing.id = slot.listing
WHERE slot.car_park = park.id AND slot.during @> tstzrange($11, $12) AND listing.state = 'approved'
    AND (listing.notice_s = 0 OR $11 >= $13 + listing.notice_s * interval '1 second') OFFSET 0
"""
_LENT_BY_DISTANCE = """
SELECT park.place_rank AS rank, park.*, lent.*, 1 AS reservable
FROM (SELECT * FROM park ORDER BY place_rank, distance_m, id) AS park CROSS JOIN LATERAL ({open}) AS lent
WHERE (park.place_rank, park.distance_m, park.id, lent.space) > {after} AND {free}
"""
_LENT_BY_PRICE = """
SELECT lent.*, 1 AS reservable FROM (
    SELECT open.lent_per_hour AS rank, park.*, open.* FROM park CROSS JOIN LATERAL ({open}) AS open
    ORDER BY open.lent_per_hour, park.distance_m, park.id, open.space) AS lent
WHERE (lent.rank, lent.distance_m, lent.id, lent.space) > {after} AND {free}
"""
_AFTER = "($25::bigint, $26::integer, $27::text, $28::integer)"
_SPACE_FITS = """
(SELECT space.features @> $10 AND ($18::text IS NULL OR space.label = $18)
 FROM registry.space_directory AS space WHERE space.number = lent.space)
"""


def _search(rank: str, lent: str) -> str:
    """The statement that sorts by `rank` first; `rank` is a column of the car park, 0 where distance decides."""
    free = _SPACE_FITS + "AND " + _SPACE_IS_FREE.format(space="lent.space")
    return f"""
WITH known AS (
    SELECT card.id, card.lat, card.lon, card.name_zh, card.name_en, card.features, policy.policy,
           card.capacity, card.reservable AS said,
           coalesce((policy.policy ->> 'price_per_hour')::bigint, $24) AS per_hour,
           CASE WHEN $1::float8 IS NULL THEN 0 ELSE round(2 * {EARTH_RADIUS_M} * asin(least(1, sqrt(
               power(sin(radians(card.lat - $1) / 2), 2) + cos(radians($1)) * cos(radians(card.lat))
               * power(sin(radians(card.lon - $2::float8) / 2), 2)))))::integer END AS distance_m
    FROM registry.car_park_card AS card LEFT JOIN reservation.policy AS policy ON policy.car_park = card.id
    CROSS JOIN LATERAL (SELECT
        coalesce((policy.policy ->> 'stay_s_min')::integer, $20) * interval '1 second' AS shortest,
        coalesce((policy.policy ->> 'stay_s_max')::integer, $21) * interval '1 second' AS longest,
        coalesce((policy.policy ->> 'ahead_s')::integer, $22) * interval '1 second' AS ahead,
        coalesce((policy.policy ->> 'notice_s')::integer, $23) * interval '1 second' AS notice,
        coalesce((policy.policy ->> 'late_s')::integer, $29) * interval '1 second' AS late) AS rule
    WHERE card.lat BETWEEN $4 AND $5 AND card.lon BETWEEN $6 AND $7 AND NOT card.closed
        AND ($8::text IS NULL OR card.id = $8) AND ($9::integer IS NULL OR card.height_cm >= $9)
        AND $12::timestamptz - $11::timestamptz BETWEEN rule.shortest AND rule.longest
        AND $11 <= $13::timestamptz + rule.ahead AND $12 > $13 AND $11 + rule.late > $13
        AND (rule.notice = interval '0' OR $11 >= $13 + rule.notice)
), park AS MATERIALIZED (
    SELECT known.*, {rank}::bigint AS place_rank FROM known WHERE $3::float8 IS NULL OR distance_m <= $3
), pool AS (
    SELECT place_rank AS rank, park.*, 0 AS space, NULL::text AS listing, NULL::bigint AS lent_per_hour,
           0 AS owner_share_bp, 0 AS notice_s, pooled.reservable
    FROM (SELECT * FROM park WHERE said > 0 AND features @> $10::text[] AND $18::text IS NULL
          ORDER BY place_rank, distance_m, id) AS park CROSS JOIN LATERAL ({_POOLED}) AS pooled
    WHERE (place_rank, distance_m, id, 0) > {_AFTER} AND pooled.reservable > 0 AND {_ROOM_IN_POOL}
        AND (NOT $14::boolean OR {_FREE_NOW} > 0)
    ORDER BY place_rank, distance_m, id LIMIT $19
), lent AS (
    {lent.format(open=_OPEN, free=free, after=_AFTER)}
    ORDER BY rank, distance_m, id, space LIMIT $19
), numbered AS (
    SELECT park.place_rank AS rank, park.*, space.number AS space, NULL::text AS listing, NULL::bigint AS lent_per_hour,
           0 AS owner_share_bp, 0 AS notice_s, 1 AS reservable
    FROM park JOIN registry.space_directory AS space ON space.car_park = park.id AND space.label = $18
    CROSS JOIN LATERAL ({_POOLED}) AS pooled
    WHERE $18 IS NOT NULL AND park.said > 0 AND pooled.reservable > 0 AND space.features @> $10
        AND (park.place_rank, park.distance_m, park.id, space.number) > {_AFTER}
        AND NOT EXISTS (SELECT FROM reservation.private_space AS private WHERE private.space = space.number)
        AND {_ROOM_IN_POOL} AND (NOT $14::boolean OR {_FREE_NOW} > 0) AND {_SPACE_IS_FREE.format(space="space.number")}
    ORDER BY rank, distance_m, id, space LIMIT $19
), found AS (
    SELECT * FROM pool UNION ALL SELECT * FROM lent UNION ALL SELECT * FROM numbered
    ORDER BY rank, distance_m, id, space LIMIT $19
)
SELECT park.*,
       (SELECT space.label FROM registry.space_directory AS space WHERE space.number = park.space) AS label,
       CASE WHEN park.space > 0 THEN 1 ELSE least(
           park.reservable - coalesce((
               SELECT max(minute.used) FROM (
                   SELECT unnest(pool.used[part.first : part.last]) AS used
                   FROM unnest($15::date[], $16::integer[], $17::integer[]) AS part (day, first, last)
                   JOIN reservation.pool_day AS pool ON pool.car_park = park.id AND pool.day = part.day) AS minute), 0),
           CASE WHEN $14 THEN {_FREE_NOW} ELSE park.reservable END) END AS left
FROM found AS park
ORDER BY park.rank, park.distance_m, park.id, park.space
"""


SEARCH: Final[dict[Sort, str]] = {
    "distance": _search("0", _LENT_BY_DISTANCE),
    "price": _search("per_hour", _LENT_BY_PRICE),
}
_DEFAULTS: Final = Policy()


async def search(tx: Tx, asked: Asked) -> list[Row]:
    """At most `asked.limit` places with room for the whole window, in order; `left` is how many of each."""
    days = day_parts(asked.begins, asked.until)
    lat, lon = asked.near or (None, None)
    return await tx.fetch(
        SEARCH[asked.sort],
        lat,
        lon,
        asked.radius_m,
        *asked.box,
        asked.car_park,
        asked.height_cm,
        list(asked.features),
        asked.begins,
        asked.until,
        tx.now,
        asked.soon,
        [part.day for part in days],
        [part.first for part in days],
        [part.last for part in days],
        asked.space,
        asked.limit,
        _DEFAULTS.stay_s_min,
        _DEFAULTS.stay_s_max,
        _DEFAULTS.ahead_s,
        _DEFAULTS.notice_s,
        _DEFAULTS.price_per_hour,
        *asked.after,
        _DEFAULTS.late_s,
    )
