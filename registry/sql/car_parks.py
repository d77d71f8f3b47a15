"""Statements on car parks and the operators who run them."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.ids import CarParkId, OperatorId
from kernel.db import Row, Tx
from registry.catalogue import CarPark, Name, Operator
from registry.sql.stored import entrances_read, entrances_stored, name_read, name_stored

_COLUMNS = """id, operator, name_zh, name_en, kind, lat, lon, district, address, opening_hours, time_zone, height_cm,
       features, entrances, tariff_summary, capacity, reservable, measured_by, heartbeat_s, closed, closed_reason,
       retired, source, created_at, updated_at"""

ONE = f"SELECT {_COLUMNS} FROM registry.car_park WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))"

LOCK = f"{ONE} FOR UPDATE"

IS_TAKEN = "SELECT EXISTS (SELECT FROM registry.car_park WHERE id = $1)"
"""By whom is not said."""

PAGE = f"""
SELECT {_COLUMNS},
       (SELECT count(*) FROM registry.space WHERE space.car_park = car_park.id AND NOT space.retired) AS numbered_spaces
FROM registry.car_park
WHERE NOT retired AND ($1::text[] IS NULL OR operator = ANY ($1)) AND id > $2
ORDER BY id LIMIT $3
"""

INSERT = """
INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, district, address, opening_hours,
    time_zone, height_cm, features, entrances, tariff_summary, capacity, reservable, measured_by, heartbeat_s,
    source, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21)
"""

UPDATE = """
UPDATE registry.car_park
SET operator = $2, name_zh = $3, name_en = $4, kind = $5, lat = $6, lon = $7, district = $8, address = $9,
    opening_hours = $10, time_zone = $11, height_cm = $12, features = $13, entrances = $14, tariff_summary = $15,
    capacity = $16, reservable = $17, measured_by = $18, heartbeat_s = $19, source = $20, updated_at = $21,
    closed = closed AND NOT retired, closed_reason = CASE WHEN retired THEN NULL ELSE closed_reason END, retired = false
WHERE id = $1
"""

CLOSE = "UPDATE registry.car_park SET closed = $2, closed_reason = $3, updated_at = $4 WHERE id = $1"

TELL_TARIFFS = """
UPDATE registry.car_park SET tariff_told = said.told
FROM jsonb_to_recordset($1) AS said (id text, told jsonb)
WHERE car_park.id = said.id AND car_park.tariff_told IS DISTINCT FROM said.told
"""
"""`updated_at` stays: it is when its operator changed it."""

RETIRE = "UPDATE registry.car_park SET retired = true, updated_at = $2 WHERE id = $1"

BY_UID = """
SELECT id, source ->> 'uid' AS uid, capacity FROM registry.car_park
WHERE operator = $1 AND source ->> 'uid' = ANY ($2) AND NOT retired
"""

LOCK_MANY = f"SELECT {_COLUMNS} FROM registry.car_park WHERE id = ANY ($1) ORDER BY id FOR UPDATE"

PRESENT = "SELECT id FROM registry.car_park WHERE id = ANY ($1) AND NOT retired"

CLOSE_BY_FEED = """
UPDATE registry.car_park SET closed = true, closed_reason = $2, updated_at = $3
WHERE id = ANY ($1) AND NOT closed AND NOT retired
"""

OPEN_BY_FEED = """
UPDATE registry.car_park SET closed = false, closed_reason = NULL, updated_at = $3
WHERE id = ANY ($1) AND closed AND closed_reason = $2
"""

UPSERT_OPERATOR = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at)
SELECT $1, $2, $3, $4 WHERE $5::text[] IS NULL OR $1 = ANY ($5)
ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en
RETURNING xmax = 0 AS is_new
"""

ENSURE_OPERATOR = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
"""

OPERATOR = """
SELECT id, name_zh, name_en, created_at FROM registry.operator WHERE id = $1 AND ($2::text[] IS NULL OR id = ANY ($2))
"""

OPERATORS = """
SELECT id, name_zh, name_en, created_at FROM registry.operator
WHERE ($1::text[] IS NULL OR id = ANY ($1)) AND id > $2 ORDER BY id LIMIT $3
"""


async def find_car_park(tx: Tx, car_park: CarParkId, operators: Sequence[str] | None) -> Row | None:
    """The row of a car park of `operators`, retired or not."""
    return await tx.fetchrow(ONE, car_park, operators)


async def lock_car_park(tx: Tx, car_park: CarParkId, operators: Sequence[str] | None) -> Row | None:
    """The row of a car park of `operators`, retired or not, locked until the transaction ends."""
    return await tx.fetchrow(LOCK, car_park, operators)


async def is_car_park(tx: Tx, car_park: CarParkId) -> bool:
    """Whether the id is taken, by whomever: ids of car parks are public."""
    taken: bool = await tx.fetchval(IS_TAKEN, car_park)
    return taken


async def page_of_car_parks(tx: Tx, operators: Sequence[str] | None, *, after: str, limit: int) -> list[Row]:
    """Car parks in the order of their ids, with the number of their spaces; `operators` None = all."""
    return await tx.fetch(PAGE, None if operators is None else list(operators), after, limit)


async def insert_car_park(tx: Tx, car_park: CarPark) -> None:
    """Store a car park that is new."""
    await tx.execute(INSERT, *_stored(car_park), tx.now)


async def update_car_park(tx: Tx, car_park: CarPark) -> None:
    """Replace everything but the closure; a car park that was retired comes back, open."""
    await tx.execute(UPDATE, *_stored(car_park), tx.now)


async def close_car_park(tx: Tx, car_park: CarParkId, *, closed: bool, reason: str | None) -> None:
    """Set the closure; `reason` is None when open."""
    await tx.execute(CLOSE, car_park, closed, reason, tx.now)


async def tell_tariffs(tx: Tx, told: Mapping[CarParkId, Mapping[str, str] | None]) -> int:
    """How many of these car parks say something else of what they charge now."""
    listed = [{"id": car_park, "told": None if said is None else dict(said)} for car_park, said in sorted(told.items())]
    return await tx.execute(TELL_TARIFFS, listed)


async def retire_car_park(tx: Tx, car_park: CarParkId) -> None:
    """Take it out of every view; its history and its spaces' numbers stay."""
    await tx.execute(RETIRE, car_park, tx.now)


async def find_by_uids(tx: Tx, operator: OperatorId, uids: Sequence[str]) -> list[Row]:
    """An operator's car parks by the ids that a feed knows them by: `uid`, `id`, `capacity`."""
    return await tx.fetch(BY_UID, operator, list(uids))


async def find_present(tx: Tx, ids: Sequence[CarParkId]) -> set[CarParkId]:
    """Those of `ids` that are car parks in use, anybody's."""
    return {row["id"] for row in await tx.fetch(PRESENT, list(ids))}


async def lock_car_parks(tx: Tx, ids: Sequence[CarParkId]) -> dict[CarParkId, Row]:
    """The rows of those of `ids` that exist, retired or not, locked in the order of their ids."""
    return {row["id"]: row for row in await tx.fetch(LOCK_MANY, list(ids))}


async def follow_feed(tx: Tx, *, closed: Sequence[CarParkId], opened: Sequence[CarParkId], reason: str) -> int:
    """Close what a feed calls closed; open what it calls open, if it was closed for the same `reason`. How many."""
    shut = await tx.execute(CLOSE_BY_FEED, list(closed), reason, tx.now)
    return shut + await tx.execute(OPEN_BY_FEED, list(opened), reason, tx.now)


async def upsert_operator(tx: Tx, operator: Operator, operators: Sequence[str] | None) -> bool | None:
    """Store or rename one of `operators`; whether it is new. None when it is not one of them."""
    name = operator.name
    is_new: bool | None = await tx.fetchval(UPSERT_OPERATOR, operator.id, name.zh, name.en, tx.now, operators)
    return is_new


async def ensure_operator(tx: Tx, operator: Operator) -> bool:
    """Store an operator unless it exists; whether it is new."""
    return await tx.execute(ENSURE_OPERATOR, operator.id, operator.name.zh, operator.name.en, tx.now) == 1


async def find_operator(tx: Tx, operator: OperatorId, operators: Sequence[str] | None) -> Row | None:
    """The row of one of `operators`."""
    return await tx.fetchrow(OPERATOR, operator, operators)


async def page_of_operators(tx: Tx, operators: Sequence[str] | None, *, after: str, limit: int) -> list[Row]:
    """Operators in the order of their ids."""
    return await tx.fetch(OPERATORS, None if operators is None else list(operators), after, limit)


def read_car_park(row: Row) -> CarPark:
    """The car park in a row of `find_car_park`, `lock_car_park` or `page_of_car_parks`."""
    return CarPark(
        id=row["id"],
        operator=row["operator"],
        name=Name(row["name_zh"], row["name_en"]),
        lat=row["lat"],
        lon=row["lon"],
        capacity=row["capacity"],
        time_zone=row["time_zone"],
        kind=row["kind"],
        reservable=row["reservable"],
        measured_by=row["measured_by"],
        district=row["district"],
        address=row["address"],
        opening_hours=row["opening_hours"],
        height_cm=row["height_cm"],
        features=tuple(row["features"]),
        entrances=entrances_read(row["entrances"]),
        tariff_summary=name_read(row["tariff_summary"]),
        heartbeat_s=row["heartbeat_s"],
        source=row["source"],
    )


def _stored(car_park: CarPark) -> tuple[Any, ...]:
    return (
        car_park.id,
        car_park.operator,
        car_park.name.zh,
        car_park.name.en,
        car_park.kind,
        car_park.lat,
        car_park.lon,
        car_park.district,
        car_park.address,
        car_park.opening_hours,
        car_park.time_zone,
        car_park.height_cm,
        car_park.features,
        entrances_stored(car_park.entrances),
        name_stored(car_park.tariff_summary),
        car_park.capacity,
        car_park.reservable,
        car_park.measured_by,
        car_park.heartbeat_s,
        dict(car_park.source),
    )
