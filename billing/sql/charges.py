"""Charges: read, locked, and moved with the row of what happened to them in the same statement."""

from collections.abc import Mapping, Sequence
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
    WHERE session = ANY ($1) AND state IN ('quoted', 'due', 'accepted', 'overdue', 'disputed', 'adjusted')
    ORDER BY id FOR UPDATE
"""


async def lock_open_of(tx: Tx, sessions: Sequence[str]) -> dict[str, list[Row]]:
    """Prices of each stay that somebody asked for, and what is owed for it; locked."""
    found: dict[str, list[Row]] = {session: [] for session in sessions}
    for row in await tx.fetch(LOCK_OPEN_OF, list(sessions)):
        found[row["session"]].append(row)
    return found


async def lock_if_free(tx: Tx, charge: str) -> Row | None:
    """None also where somebody else is just moving it."""
    return await tx.fetchrow("SELECT * FROM billing.charge WHERE id = $1 FOR UPDATE SKIP LOCKED", charge)


INSERT: Final = """
    WITH charge AS (
        INSERT INTO billing.charge (
            id, kind, session, reservation, car_park, operator, owner, owner_share_bp, platform_share_bp,
            plate, color, ticket, driver, state, amount, tariff, lines, begins, ends, good_until, due_at, remind_at,
            created_at, updated_at
        )
        SELECT new.id, new.kind, new.session, new.reservation, new.car_park, new.operator, new.owner,
            new.owner_share_bp, new.platform_share_bp, new.plate, new.color, new.ticket, new.driver, new.state,
            new.amount, new.tariff, new.lines, new.begins, new.ends, new.good_until, new.due_at, new.remind_at, $2, $2
        FROM jsonb_to_recordset($1) AS new (
            id text, kind text, session text, reservation text, car_park text, operator text, owner text,
            owner_share_bp integer, platform_share_bp integer, plate text, color text, ticket text, driver text,
            state text, amount bigint, tariff text, lines jsonb, begins timestamptz, ends timestamptz,
            good_until timestamptz, due_at timestamptz, remind_at timestamptz
        )
        RETURNING *
    ), told AS (
        INSERT INTO billing.charge_event (charge, at, kind, version, actor, detail)
        SELECT id, $2, CASE state WHEN 'quoted' THEN 'quoted' ELSE 'raised' END, 1, $3, '{}' FROM charge
    )
    SELECT * FROM charge
"""


async def insert(tx: Tx, charges: Sequence[Mapping[str, Any]], *, actor: str) -> list[Row]:
    """The charges that were made, in the same order, each with its first event."""
    made = {row["id"]: row for row in await tx.fetch(INSERT, list(charges), tx.now, actor)}
    return [made[charge["id"]] for charge in charges]


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
