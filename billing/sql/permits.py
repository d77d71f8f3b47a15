"""Permits: issued, ended, listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

COLUMNS: Final = """
    permit.*,
    (
        SELECT jsonb_agg(jsonb_build_object('plate', plate, 'color', color) ORDER BY plate, color)
        FROM billing.permit_vehicle WHERE permit_vehicle.permit = permit.id
    ) AS vehicles,
    (
        SELECT count(*) FROM billing.permit_use AS used JOIN billing.session ON session.id = used.session
        WHERE used.permit = permit.id AND session.state NOT IN ('corrected', 'voided')
    ) AS uses
"""

INSERT: Final = """
    WITH made AS (
        INSERT INTO billing.permit (
            id, operator, car_parks, concession, holder, spaces, uses_max, valid_from, valid_until, created_at,
            created_by
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    )
    INSERT INTO billing.permit_vehicle (permit, plate, color)
    SELECT $1, plate, color FROM unnest($12::text[], $13::text[]) AS vehicle (plate, color)
"""


async def insert(
    tx: Tx,
    permit: str,
    *,
    operator: str,
    car_parks: Sequence[str],
    concession: str,
    holder: str,
    spaces: int | None,
    uses_max: int | None,
    valid: tuple[datetime, datetime | None],
    vehicles: Sequence[tuple[str, str]],
    actor: str,
) -> None:
    """With its vehicles."""
    plates, colors = [plate for plate, _ in vehicles], [color for _, color in vehicles]
    kept = (operator, list(car_parks), concession, holder, spaces, uses_max, *valid)
    await tx.execute(INSERT, permit, *kept, tx.now, actor, plates, colors)


END: Final = """
    UPDATE billing.permit SET version = version + 1, ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL
"""


async def end(tx: Tx, permit: str, actor: str) -> bool:
    """From now on; whether it had not ended before."""
    return await tx.execute(END, permit, tx.now, actor) > 0


OWN: Final = f"""
    SELECT {COLUMNS} FROM billing.permit
    WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""


async def own(tx: Tx, permit: str, caller: Caller) -> Row | None:
    """If `caller` may manage it."""
    return await tx.fetchrow(OWN, permit, caller.covered)


PAGE: Final = f"""
    SELECT {COLUMNS} FROM billing.permit
    WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND ($2::text IS NULL OR $2 = ANY (car_parks))
        AND ($3::text IS NULL OR id IN (SELECT permit FROM billing.permit_vehicle WHERE plate = $3))
        AND ($4::text IS NULL OR id < $4)
    ORDER BY id DESC LIMIT $5
"""


async def page(
    tx: Tx, caller: Caller, *, car_park: str | None, plate: str | None, below: str | None, limit: int
) -> list[Row]:
    """The last one issued first."""
    return await tx.fetch(PAGE, caller.covered, car_park, plate, below, limit)
