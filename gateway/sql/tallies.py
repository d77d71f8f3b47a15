"""Statements on the books: received = stored + duplicate + late + dead, per car park."""

from collections.abc import Sequence

from contracts.ids import CarParkId
from kernel.db import Row, Tx

TALLY = """
SELECT received, stored, duplicate, late, dead, last_received_at
FROM registry.car_park_card AS card LEFT JOIN gateway.tally ON tally.car_park = card.id
WHERE card.id = $1 AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""

ADD_TALLIES = """
INSERT INTO gateway.tally AS kept (car_park, received, stored, duplicate, late, dead, last_received_at)
SELECT car_park, stored + duplicate + late + dead, stored, duplicate, late, dead, $6
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS new (car_park, stored, duplicate, late, dead)
ON CONFLICT ON CONSTRAINT tally_key DO UPDATE
SET received = kept.received + EXCLUDED.received, stored = kept.stored + EXCLUDED.stored,
    duplicate = kept.duplicate + EXCLUDED.duplicate, late = kept.late + EXCLUDED.late,
    dead = kept.dead + EXCLUDED.dead, last_received_at = greatest(kept.last_received_at, EXCLUDED.last_received_at)
"""


async def add_tallies(tx: Tx, tallies: Sequence[tuple[CarParkId, int, int, int, int]]) -> None:
    """`(car_park, stored, duplicate, late, dead)` each, in the order of the car parks."""
    ordered = sorted(tallies)
    columns: list[list[object]] = [list(column) for column in zip(*ordered, strict=True)]
    await tx.execute(ADD_TALLIES, *columns, tx.now)


async def tally_of(tx: Tx, car_park: CarParkId, operators: Sequence[str] | None) -> Row | None:
    """The sums of a registered car park of `operators` (None = every one), which are null before its first message."""
    return await tx.fetchrow(TALLY, car_park, operators)
