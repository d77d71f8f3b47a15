"""Promises at car parks that closed or are gone."""

from contracts.ids import CarParkId
from kernel.db import Row, Tx

SHUT = """
-- Car parks with promises are stepped through in the index, one look each.
WITH RECURSIVE promised AS (
    (SELECT car_park FROM reservation.reservation WHERE state IN ('held', 'confirmed', 'checked_in')
     ORDER BY car_park LIMIT 1)
    UNION ALL
    SELECT (SELECT later.car_park FROM reservation.reservation AS later
            WHERE later.state IN ('held', 'confirmed', 'checked_in') AND later.car_park > promised.car_park
            ORDER BY later.car_park LIMIT 1)
    FROM promised WHERE promised.car_park IS NOT NULL
), shut AS (
    SELECT promised.car_park, card.id IS NULL AS gone
    FROM promised LEFT JOIN registry.car_park_card AS card ON card.id = promised.car_park
    WHERE promised.car_park IS NOT NULL AND (card.id IS NULL OR card.closed)
)
SELECT kept.id, kept.car_park, shut.gone FROM shut JOIN reservation.reservation AS kept USING (car_park)
WHERE kept.state IN ('held', 'confirmed') AND kept.inside_since IS NULL
    AND CASE kept.state WHEN 'held' THEN kept.hold_expires_at > $1 ELSE kept.latest >= $1 END
    AND (shut.gone OR lower(kept.during)
    <= $1::timestamptz + make_interval(secs => greatest((kept.terms ->> 'due_s')::double precision, 60)))
ORDER BY kept.car_park, kept.id LIMIT $2 FOR NO KEY UPDATE OF kept SKIP LOCKED
"""


async def at_shut_car_parks(tx: Tx, limit: int) -> list[tuple[str, CarParkId, bool]]:
    """(reservation, car park, whether that is gone) of promises that stand and cannot be kept; locked."""
    rows: list[Row] = await tx.fetch(SHUT, tx.now, limit)
    return [(row["id"], CarParkId(row["car_park"]), row["gone"]) for row in rows]
