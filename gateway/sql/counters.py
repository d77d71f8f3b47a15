"""Statements on what vehicle counters said last."""

from collections.abc import Collection, Mapping
from datetime import datetime

from kernel.db import Tx

LAST = "SELECT device, value, at FROM gateway.vehicle_counter WHERE device = ANY ($1) ORDER BY device FOR UPDATE"

KEEP = """
INSERT INTO gateway.vehicle_counter AS kept (device, value, at)
SELECT * FROM unnest($1::text[], $2::integer[], $3::timestamptz[])
ON CONFLICT ON CONSTRAINT vehicle_counter_key DO UPDATE SET value = EXCLUDED.value, at = EXCLUDED.at
WHERE kept.at <= EXCLUDED.at
"""

Last = tuple[int, datetime]


async def lock_counters(tx: Tx, devices: Collection[str]) -> dict[str, Last]:
    """What each of `devices` said last, and when; those that never spoke are left out."""
    rows = await tx.fetch(LAST, sorted(devices))
    return {row["device"]: (row["value"], row["at"]) for row in rows}


async def keep_counters(tx: Tx, last: Mapping[str, Last]) -> None:
    """Remember what each device says now."""
    devices = sorted(last)
    await tx.execute(KEEP, devices, [last[device][0] for device in devices], [last[device][1] for device in devices])
