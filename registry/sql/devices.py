"""Statements on devices and guidance signs."""

from collections.abc import Sequence

from contracts.ids import CarParkId, DeviceId, OperatorId, SignId
from kernel.db import Row, Tx
from registry.catalogue import Device, Sign

DEVICE = """
SELECT id, operator, profile, car_park, space, zone, settings, updated_at FROM registry.device
WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""

DEVICES = """
SELECT id, operator, profile, car_park, space, zone, settings, updated_at FROM registry.device
WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND ($2::text IS NULL OR car_park = $2) AND id > $3
ORDER BY id LIMIT $4
"""

UPSERT_DEVICE = """
INSERT INTO registry.device AS kept (id, operator, profile, car_park, space, zone, settings, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET operator = excluded.operator, profile = excluded.profile, car_park = excluded.car_park,
    space = excluded.space, zone = excluded.zone, settings = excluded.settings, updated_at = excluded.updated_at
WHERE $9::text[] IS NULL OR kept.operator = ANY ($9)
RETURNING xmax = 0 AS is_new
"""

DELETE_DEVICE = """
DELETE FROM registry.device WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2)) RETURNING operator, car_park
"""

DELETE_DEVICES_OF = "DELETE FROM registry.device WHERE car_park = $1"

MOVE_DEVICES = "UPDATE registry.device SET operator = $2 WHERE car_park = $1 AND operator <> $2"

SIGN = """
SELECT id, operator, tier, name_zh, name_en, lat, lon, heading, car_parks FROM registry.sign
WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""

LOCK_SIGN = f"{SIGN} FOR UPDATE"

SIGNS = """
SELECT id, operator, tier, name_zh, name_en, lat, lon, heading, car_parks FROM registry.sign
WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND id > $2 ORDER BY id LIMIT $3
"""

UPSERT_SIGN = """
INSERT INTO registry.sign AS kept (id, operator, tier, name_zh, name_en, lat, lon, heading, car_parks)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET operator = excluded.operator, tier = excluded.tier, name_zh = excluded.name_zh,
    name_en = excluded.name_en, lat = excluded.lat, lon = excluded.lon, heading = excluded.heading,
    car_parks = excluded.car_parks
WHERE $10::text[] IS NULL OR kept.operator = ANY ($10)
RETURNING xmax = 0 AS is_new
"""

DELETE_SIGN = """
DELETE FROM registry.sign WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2)) RETURNING operator
"""


async def find_device(tx: Tx, device: DeviceId, operators: Sequence[str] | None) -> Row | None:
    """The row of a device of `operators`."""
    return await tx.fetchrow(DEVICE, device, operators)


async def page_of_devices(
    tx: Tx, operators: Sequence[str] | None, *, car_park: str | None, after: str, limit: int
) -> list[Row]:
    """Devices in the order of their ids."""
    return await tx.fetch(DEVICES, None if operators is None else list(operators), car_park, after, limit)


async def upsert_device(tx: Tx, device: Device, operators: Sequence[str] | None) -> bool | None:
    """Store a device as it is to be; whether it is new. None when it is there, and not of `operators`."""
    is_new: bool | None = await tx.fetchval(
        UPSERT_DEVICE,
        device.id,
        device.operator,
        device.profile,
        device.car_park,
        device.space,
        device.zone,
        dict(device.settings),
        tx.now,
        operators,
    )
    return is_new


async def delete_device(tx: Tx, device: DeviceId, operators: Sequence[str] | None) -> Row | None:
    """Forget a device of `operators`; its `operator` and `car_park`."""
    return await tx.fetchrow(DELETE_DEVICE, device, operators)


async def delete_devices_of(tx: Tx, car_park: CarParkId) -> int:
    """Forget every device of a car park; how many."""
    return await tx.execute(DELETE_DEVICES_OF, car_park)


async def move_devices(tx: Tx, car_park: CarParkId, operator: OperatorId) -> None:
    """Devices belong to whoever runs their car park."""
    await tx.execute(MOVE_DEVICES, car_park, operator)


async def find_sign(tx: Tx, sign: SignId, operators: Sequence[str] | None, *, lock: bool = False) -> Row | None:
    """The row of a sign of `operators`, locked when it will be written."""
    return await tx.fetchrow(LOCK_SIGN if lock else SIGN, sign, operators)


async def page_of_signs(tx: Tx, operators: Sequence[str] | None, *, after: str, limit: int) -> list[Row]:
    """Signs in the order of their ids."""
    return await tx.fetch(SIGNS, None if operators is None else list(operators), after, limit)


async def upsert_sign(tx: Tx, sign: Sign, operators: Sequence[str] | None) -> bool | None:
    """Store a sign as it is to be; whether it is new. None when it is there, and not of `operators`."""
    is_new: bool | None = await tx.fetchval(
        UPSERT_SIGN,
        sign.id,
        sign.operator,
        sign.tier,
        sign.name.zh,
        sign.name.en,
        sign.lat,
        sign.lon,
        sign.heading,
        sign.car_parks,
        operators,
    )
    return is_new


async def delete_sign(tx: Tx, sign: SignId, operators: Sequence[str] | None) -> str | None:
    """Forget a sign of `operators`; whose it was."""
    operator: str | None = await tx.fetchval(DELETE_SIGN, sign, operators)
    return operator
