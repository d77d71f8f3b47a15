"""Charges: read, locked, and moved with the row of what happened to them in the same statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from billing.charge_lifecycle import Charge, State
from kernel.db import Row, Tx


def charge_of(row: Row) -> Charge:
    """What moves in `row`."""
    return Charge(
        state=State(row["state"]),
        amount=row["amount"],
        paid=row["paid"],
        refunded=row["refunded"],
        level=row["level"],
    )


LOCK: Final = "SELECT * FROM billing.charge WHERE id = ANY ($1) ORDER BY id FOR UPDATE"


async def lock(tx: Tx, charges: Sequence[str]) -> list[Row]:
    """Those of `charges` that exist, locked in the order of their ids."""
    return await tx.fetch(LOCK, list(charges))


LOCK_OPEN_OF: Final = """
    SELECT * FROM billing.charge
    WHERE session = $1 AND state IN ('quoted', 'due', 'accepted', 'overdue', 'disputed', 'adjusted')
    ORDER BY id FOR UPDATE
"""


async def lock_open_of(tx: Tx, session: str) -> list[Row]:
    """Prices of the stay that somebody asked for, and what is owed for it; locked."""
    return await tx.fetch(LOCK_OPEN_OF, session)


async def lock_if_free(tx: Tx, charge: str) -> Row | None:
    """None also where somebody else is just moving it."""
    return await tx.fetchrow("SELECT * FROM billing.charge WHERE id = $1 FOR UPDATE SKIP LOCKED", charge)


INSERT: Final = """
    WITH charge AS (
        INSERT INTO billing.charge (
            id, kind, session, reservation, car_park, operator, owner, owner_share_bp, platform_share_bp,
            plate, color, ticket, driver, state, amount, tariff, lines, begins, ends, good_until, due_at, remind_at,
            created_at, updated_at
        ) VALUES (
            $1, $2, $3, $4, $5, $6, $7, $8, $9,
            $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $23
        )
        RETURNING *
    ), told AS (
        INSERT INTO billing.charge_event (charge, at, kind, version, actor, detail)
        VALUES ($1, $23, CASE $14 WHEN 'quoted' THEN 'quoted' ELSE 'raised' END, 1, $24, '{}')
    )
    SELECT * FROM charge
"""


async def insert(tx: Tx, *values: Any) -> Row:
    """The charge that was made, and its first event."""
    (row,) = await tx.fetch(INSERT, *values)
    return row


MOVE: Final = """
    WITH charge AS (
        UPDATE billing.charge
        SET version = version + 1, state = $3, amount = $4, paid = $5, refunded = $6, level = $7, updated_at = $8,
            channel = coalesce($12, channel), is_advanced = coalesce($13, is_advanced),
            remind_at = coalesce($14, remind_at), due_at = coalesce($15, due_at), driver = coalesce($16, driver)
        WHERE id = $1 AND version = $2
        RETURNING *
    ), told AS (
        INSERT INTO billing.charge_event (charge, at, kind, version, actor, detail)
        SELECT id, $8, $9, version, $10, $11 FROM charge
    )
    SELECT * FROM charge
"""


async def move(
    tx: Tx,
    row: Row,
    after: Charge,
    kind: str,
    *,
    actor: str,
    detail: dict[str, Any],
    channel: str | None = None,
    is_advanced: bool | None = None,
    remind_at: datetime | None = None,
    due_at: datetime | None = None,
    driver: str | None = None,
) -> Row | None:
    """The row after the move, `kind` being what happened; None when it was moved meanwhile.

    What is not given stays: the channel, whether it has advanced the money, when it is due, when the next reminder is,
    whose it is.
    """
    return await tx.fetchrow(
        MOVE,
        row["id"],
        row["version"],
        after.state,
        after.amount,
        after.paid,
        after.refunded,
        after.level,
        tx.now,
        kind,
        actor,
        detail,
        channel,
        is_advanced,
        remind_at,
        due_at,
        driver,
    )
