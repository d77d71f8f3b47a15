"""What occupancy reads of the registry, through its published views."""

from collections.abc import Sequence

from contracts.ids import CarParkId
from kernel.db import Row, Tx

REVISION = "SELECT revision FROM registry.revision_now"
"""One value that changes with every change of the registry."""

CAR_PARK_REVISIONS = "SELECT id, revision FROM registry.car_park_revision"
"""Which car parks changed."""

PLACES = """
SELECT id, operator, name_zh, name_en, kind, lat, lon, district, address, opening_hours, time_zone, height_cm, features,
       entrances, tariff_summary, capacity, numbered_spaces, reservable, measured_by, closed, closed_reason
FROM registry.car_park_card WHERE id = ANY($1::text[])
"""

ZONE_PLACES = """
SELECT zone.car_park, zone.label, zone.capacity,
       (SELECT count(*) FROM registry.space_directory AS space
        WHERE space.car_park = zone.car_park AND space.zone = zone.label) AS numbered
FROM registry.zone_directory AS zone WHERE zone.car_park = ANY($1::text[])
"""


async def registry_revision(tx: Tx) -> object:
    return await tx.fetchval(REVISION)


async def car_park_revisions(tx: Tx) -> dict[CarParkId, str]:
    return {CarParkId(row["id"]): row["revision"] for row in await tx.fetch(CAR_PARK_REVISIONS)}


async def place_rows(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    return await tx.fetch(PLACES, car_parks)


async def zone_places(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    return await tx.fetch(ZONE_PLACES, car_parks)
