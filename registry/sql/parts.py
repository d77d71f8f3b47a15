"""Statements on what lies inside a car park: zones, numbered spaces and lanes.

A space that goes is retired, not deleted, so that its number (the key of all history) comes back with its label.
"""

from collections.abc import Sequence

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from registry.catalogue import Lane, Space, Zone

ZONES = "SELECT label, capacity, level FROM registry.zone WHERE car_park = $1 ORDER BY label"

UPSERT_ZONE = """
INSERT INTO registry.zone (car_park, label, capacity, level) VALUES ($1, $2, $3, $4)
ON CONFLICT (car_park, label) DO UPDATE SET capacity = excluded.capacity, level = excluded.level
WHERE (zone.capacity, zone.level) IS DISTINCT FROM (excluded.capacity, excluded.level)
"""

FREE_RETIRED_OF_ZONES = """
UPDATE registry.space SET zone = NULL WHERE car_park = $1 AND retired AND zone IS NOT NULL AND NOT zone = ANY ($2)
"""

DELETE_OTHER_ZONES = "DELETE FROM registry.zone WHERE car_park = $1 AND NOT label = ANY ($2)"

SPACES = """
SELECT number, label, zone, features FROM registry.space WHERE car_park = $1 AND NOT retired AND label > $2
ORDER BY label LIMIT $3
"""

UPSERT_SPACE = """
INSERT INTO registry.space (car_park, label, zone, features) VALUES ($1, $2, $3, $4)
ON CONFLICT (car_park, label)
DO UPDATE SET zone = excluded.zone, features = excluded.features, retired = false
WHERE (space.zone, space.features, space.retired) IS DISTINCT FROM (excluded.zone, excluded.features, false)
"""

RETIRE_OTHER_SPACES = """
UPDATE registry.space SET retired = true WHERE car_park = $1 AND NOT retired AND NOT label = ANY ($2::text[])
"""

COUNT_SPACES = "SELECT count(*) FROM registry.space WHERE car_park = $1 AND NOT retired"

LANES = "SELECT label, direction, zone FROM registry.lane WHERE car_park = $1 ORDER BY label"

UPSERT_LANE = """
INSERT INTO registry.lane (car_park, label, direction, zone) VALUES ($1, $2, $3, $4)
ON CONFLICT (car_park, label) DO UPDATE SET direction = excluded.direction, zone = excluded.zone
WHERE (lane.direction, lane.zone) IS DISTINCT FROM (excluded.direction, excluded.zone)
"""

DELETE_OTHER_LANES = "DELETE FROM registry.lane WHERE car_park = $1 AND NOT label = ANY ($2)"

SPACES_MAX = 100_000


async def find_zones(tx: Tx, car_park: CarParkId) -> list[Zone]:
    """All zones of a car park."""
    return [Zone(row["label"], row["capacity"], row["level"]) for row in await tx.fetch(ZONES, car_park)]


async def upsert_zones(tx: Tx, car_park: CarParkId, zones: Sequence[Zone]) -> None:
    """Store zones, leaving others alone."""
    await tx.executemany(UPSERT_ZONE, [(car_park, zone.label, zone.capacity, zone.level) for zone in zones])


async def delete_other_zones(tx: Tx, car_park: CarParkId, kept: Sequence[Zone]) -> None:
    """Delete every zone that is not `kept`; refused while a space, lane or device names it."""
    labels = [zone.label for zone in kept]
    await tx.execute(FREE_RETIRED_OF_ZONES, car_park, labels)
    await tx.execute(DELETE_OTHER_ZONES, car_park, labels)


async def find_spaces(tx: Tx, car_park: CarParkId, *, after: str = "", limit: int = SPACES_MAX) -> list[Space]:
    """Spaces of a car park in the order of their labels."""
    rows = await tx.fetch(SPACES, car_park, after, limit)
    return [Space(row["label"], row["zone"], tuple(row["features"])) for row in rows]


async def upsert_spaces(tx: Tx, car_park: CarParkId, spaces: Sequence[Space]) -> None:
    """Store spaces, leaving others alone; one that was retired comes back with its number."""
    await tx.executemany(UPSERT_SPACE, [(car_park, space.label, space.zone, space.features) for space in spaces])


async def retire_other_spaces(tx: Tx, car_park: CarParkId, kept: Sequence[Space]) -> int:
    """Retire every space that is not `kept`; how many."""
    return await tx.execute(RETIRE_OTHER_SPACES, car_park, [space.label for space in kept])


async def count_spaces(tx: Tx, car_park: CarParkId) -> int:
    """How many numbered spaces are in use."""
    count: int = await tx.fetchval(COUNT_SPACES, car_park)
    return count


async def find_lanes(tx: Tx, car_park: CarParkId) -> list[Lane]:
    """All lanes of a car park."""
    return [Lane(row["label"], row["direction"], row["zone"]) for row in await tx.fetch(LANES, car_park)]


async def upsert_lanes(tx: Tx, car_park: CarParkId, lanes: Sequence[Lane]) -> None:
    """Store lanes, leaving others alone."""
    await tx.executemany(UPSERT_LANE, [(car_park, lane.label, lane.direction, lane.zone) for lane in lanes])


async def delete_other_lanes(tx: Tx, car_park: CarParkId, kept: Sequence[Lane]) -> None:
    """Delete every lane that is not `kept`."""
    await tx.execute(DELETE_OTHER_LANES, car_park, [lane.label for lane in kept])


async def find_part(tx: Tx, statement: str, car_park: CarParkId, label: str) -> Row | None:
    """One row of a part by its label."""
    return await tx.fetchrow(statement, car_park, label)
