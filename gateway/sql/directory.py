"""Statements on the registry's published views: what the decoder's copy is read from."""

from collections.abc import Sequence

from contracts.ids import CarParkId
from kernel.db import Row, Tx

REVISION = "SELECT revision FROM registry.revision_now"

CAR_PARK_REVISIONS = """
SELECT id, operator, capacity, revision FROM registry.car_park_revision
WHERE ($1::text[] IS NULL OR id = ANY ($1)) AND ($2::text[] IS NULL OR operator = ANY ($2))
"""

SPACES_OF = "SELECT car_park, label, number FROM registry.space_directory WHERE car_park = ANY($1)"

ZONES_OF = "SELECT car_park, label, capacity FROM registry.zone_directory WHERE car_park = ANY($1)"

LANES_OF = "SELECT car_park, label FROM registry.lane_directory WHERE car_park = ANY($1)"


DEVICES_OF = """
SELECT id, car_park, space, zone, profile, settings FROM registry.device_directory WHERE car_park = ANY($1)
"""

CAR_PARKS_OF_DEVICES = """
SELECT car_park FROM registry.device_directory WHERE registry.heard_as(id) = ANY($1) ORDER BY car_park
"""


async def registry_revision(tx: Tx) -> int:
    """Grows with every change of the registry."""
    revision: int = await tx.fetchval(REVISION)
    return revision


async def car_park_revisions(
    tx: Tx, ids: Sequence[str] | None = None, operators: Sequence[str] | None = None
) -> list[Row]:
    """`id, operator, capacity, revision` of every car park, or of those in `ids`, of `operators` (None = every one)."""
    return await tx.fetch(CAR_PARK_REVISIONS, ids, operators)


async def spaces_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label, number`."""
    return await tx.fetch(SPACES_OF, car_parks)


async def zones_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label, capacity`."""
    return await tx.fetch(ZONES_OF, car_parks)


async def lanes_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label`."""
    return await tx.fetch(LANES_OF, car_parks)


async def devices_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`id, car_park, space, zone, profile, settings`."""
    return await tx.fetch(DEVICES_OF, car_parks)


async def car_parks_of_devices(tx: Tx, keys: Sequence[str]) -> list[str]:
    """Where the devices are that are found by `keys`, as `gateway.known_device.device_key` makes them."""
    return [row["car_park"] for row in await tx.fetch(CAR_PARKS_OF_DEVICES, keys)]
