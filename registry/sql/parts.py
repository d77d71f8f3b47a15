"""Statements on what lies inside a car park: zones, numbered spaces and lanes.

A space that goes is retired, not deleted, so that its number (the key of all history) comes back with its label.
Only rows that differ are written: an upsert would burn a number for every space at every repetition of a PUT.
"""

from collections.abc import Collection, Sequence

from contracts.ids import CarParkId, LaneLabel, SpaceLabel, ZoneLabel
from kernel.db import Tx
from registry.catalogue import Lane, Space, Zone

ZONES = "SELECT label, capacity, level FROM registry.zone WHERE car_park = $1 ORDER BY label"

UPSERT_ZONE = """
INSERT INTO registry.zone (car_park, label, capacity, level) VALUES ($1, $2, $3, $4)
ON CONFLICT (car_park, label) DO UPDATE SET capacity = excluded.capacity, level = excluded.level
WHERE (zone.capacity, zone.level) IS DISTINCT FROM (excluded.capacity, excluded.level)
"""

FREE_RETIRED_OF_ZONES = "UPDATE registry.space SET zone = NULL WHERE car_park = $1 AND retired AND zone = ANY ($2)"

DELETE_ZONES = "DELETE FROM registry.zone WHERE car_park = $1 AND label = ANY ($2)"

SPACES = """
SELECT label, zone, features FROM registry.space WHERE car_park = $1 AND NOT retired AND label > $2
ORDER BY label LIMIT $3
"""

SPACE = "SELECT label, zone, features FROM registry.space WHERE car_park = $1 AND label = $2 AND NOT retired"

RETIRED_LABELS = "SELECT label FROM registry.space WHERE car_park = $1 AND retired AND label = ANY ($2)"

UPDATE_SPACES = """
UPDATE registry.space
SET zone = wanted.zone, features = ARRAY(SELECT jsonb_array_elements_text(wanted.features)), retired = false
FROM jsonb_to_recordset($2) AS wanted (label text, zone text, features jsonb)
WHERE space.car_park = $1 AND space.label = wanted.label
"""

RETIRE_SPACES = "UPDATE registry.space SET retired = true WHERE car_park = $1 AND label = ANY ($2) AND NOT retired"

LANES = "SELECT label, direction, zone FROM registry.lane WHERE car_park = $1 ORDER BY label"

UPSERT_LANE = """
INSERT INTO registry.lane (car_park, label, direction, zone) VALUES ($1, $2, $3, $4)
ON CONFLICT (car_park, label) DO UPDATE SET direction = excluded.direction, zone = excluded.zone
WHERE (lane.direction, lane.zone) IS DISTINCT FROM (excluded.direction, excluded.zone)
"""

DELETE_LANES = "DELETE FROM registry.lane WHERE car_park = $1 AND label = ANY ($2)"

SPACES_MAX = 100_000
"""The largest capacity there is."""


async def find_zones(tx: Tx, car_park: CarParkId) -> list[Zone]:
    """All zones of a car park."""
    return [Zone(row["label"], row["capacity"], row["level"]) for row in await tx.fetch(ZONES, car_park)]


async def upsert_zones(tx: Tx, car_park: CarParkId, zones: Sequence[Zone]) -> None:
    """Store zones, leaving others alone."""
    await tx.executemany(UPSERT_ZONE, [(car_park, zone.label, zone.capacity, zone.level) for zone in zones])


async def delete_zones(tx: Tx, car_park: CarParkId, labels: Collection[ZoneLabel]) -> int:
    """Delete zones; refused while a space in use, a lane or a device names one. How many there were."""
    await tx.execute(FREE_RETIRED_OF_ZONES, car_park, list(labels))
    return await tx.execute(DELETE_ZONES, car_park, list(labels))


async def find_spaces(tx: Tx, car_park: CarParkId, *, after: str = "", limit: int = SPACES_MAX) -> list[Space]:
    """Spaces in use, in the order of their labels."""
    rows = await tx.fetch(SPACES, car_park, after, limit)
    return [Space(row["label"], row["zone"], tuple(row["features"])) for row in rows]


async def find_space(tx: Tx, car_park: CarParkId, label: SpaceLabel) -> Space | None:
    """One space in use."""
    row = await tx.fetchrow(SPACE, car_park, label)
    return None if row is None else Space(row["label"], row["zone"], tuple(row["features"]))


async def insert_spaces(tx: Tx, car_park: CarParkId, spaces: Sequence[Space]) -> None:
    """Store spaces that are not in use: a retired one comes back with its number, others get a new one."""
    rows = await tx.fetch(RETIRED_LABELS, car_park, [space.label for space in spaces])
    retired = {row["label"] for row in rows}
    await update_spaces(tx, car_park, [space for space in spaces if space.label in retired])
    await tx.copy_records(
        "space",
        schema="registry",
        columns=("car_park", "label", "zone", "features"),
        records=[(car_park, space.label, space.zone, space.features) for space in spaces if space.label not in retired],
    )


async def update_spaces(tx: Tx, car_park: CarParkId, spaces: Sequence[Space]) -> None:
    """Change spaces that exist, in one statement."""
    if spaces:
        rows = [{"label": space.label, "zone": space.zone, "features": list(space.features)} for space in spaces]
        await tx.execute(UPDATE_SPACES, car_park, rows)


async def retire_spaces(tx: Tx, car_park: CarParkId, labels: Collection[SpaceLabel]) -> int:
    """Take spaces out of use; how many were in use."""
    return await tx.execute(RETIRE_SPACES, car_park, list(labels))


async def find_lanes(tx: Tx, car_park: CarParkId) -> list[Lane]:
    """All lanes of a car park."""
    return [Lane(row["label"], row["direction"], row["zone"]) for row in await tx.fetch(LANES, car_park)]


async def upsert_lanes(tx: Tx, car_park: CarParkId, lanes: Sequence[Lane]) -> None:
    """Store lanes, leaving others alone."""
    await tx.executemany(UPSERT_LANE, [(car_park, lane.label, lane.direction, lane.zone) for lane in lanes])


async def delete_lanes(tx: Tx, car_park: CarParkId, labels: Collection[LaneLabel]) -> int:
    """Delete lanes; how many there were."""
    return await tx.execute(DELETE_LANES, car_park, list(labels))
