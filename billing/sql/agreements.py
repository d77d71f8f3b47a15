"""Agreements: one for each vehicle, over all drivers."""

from typing import Final

from contracts.vehicles import Vehicle
from kernel.db import Row, Tx

COLUMNS: Final = """
    agreement.id, agreement.version, agreement.driver, agreement.plate, agreement.color, agreement.channel,
    agreement.contract, agreement.state, agreement.created_at, agreement.updated_at
"""

INSERT: Final = f"""
    -- What is to be confirmed is kept out by what is; of two that are, the database keeps one.
    INSERT INTO billing.agreement (id, driver, plate, color, channel, contract, state, created_at, updated_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8
    WHERE NOT EXISTS (
        SELECT FROM billing.agreement WHERE (plate, color) = ($3, $4) AND state NOT IN ('pending', 'ended')
    )
    RETURNING {COLUMNS}
"""


async def insert(
    tx: Tx, agreement: str, *, driver: str, vehicle: Vehicle, channel: str, contract: str | None, state: str
) -> Row | None:
    """None: the vehicle has one already."""
    return await tx.fetchrow(INSERT, agreement, driver, vehicle.plate, vehicle.color, channel, contract, state, tx.now)


CONFIRM: Final = f"""
    UPDATE billing.agreement
    SET state = $2, told_at = greatest(told_at, $3), version = version + 1, updated_at = $3
    WHERE id = $1 AND state NOT IN ('ended', $2)
    RETURNING {COLUMNS}
"""


async def confirm(tx: Tx, agreement: str, state: str) -> Row | None:
    """The channel has said so of its driver. None: that was known, or it has ended."""
    return await tx.fetchrow(CONFIRM, agreement, state, tx.now)


async def read(tx: Tx, agreement: str, *, driver: str | None) -> Row | None:
    """Of this driver (None: anybody's)."""
    return await tx.fetchrow(
        f"SELECT {COLUMNS} FROM billing.agreement WHERE id = $1 AND ($2::text IS NULL OR driver = $2)",
        agreement,
        driver,
    )


PAGE: Final = f"""
    SELECT {COLUMNS} FROM billing.agreement
    WHERE driver = $1 AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
"""


async def page(tx: Tx, driver: str, *, below: str | None, limit: int) -> list[Row]:
    """Newest first, those that have ended among them."""
    return await tx.fetch(PAGE, driver, below, limit)


END: Final = f"""
    UPDATE billing.agreement SET state = 'ended', version = version + 1, updated_at = $3
    WHERE id = $1 AND driver = $2 AND state <> 'ended'
    RETURNING {COLUMNS}
"""


async def end(tx: Tx, agreement: str, *, driver: str) -> Row | None:
    """None: there is none of his that stands."""
    return await tx.fetchrow(END, agreement, driver, tx.now)


OF_VEHICLE: Final = f"""
    SELECT {COLUMNS} FROM billing.agreement WHERE driver = $1 AND (plate, color) = ($2, $3)
        AND state NOT IN ('pending', 'ended')
"""


async def of_vehicle(tx: Tx, driver: str, vehicle: Vehicle) -> Row | None:
    """The driver's, for this vehicle; confirmed."""
    return await tx.fetchrow(OF_VEHICLE, driver, vehicle.plate, vehicle.color)
