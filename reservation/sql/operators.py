"""What operators see and set: the policies of their car parks, and the promises that were made there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.sql.reservations import COLUMNS

STAY_MAX: Final = timedelta(days=30)
"""No promise is longer, whatever the policy. Bounds how far before a day its promises may have begun."""

OWN = """
SELECT card.id, card.operator, card.time_zone, policy.policy, policy.updated_at
FROM registry.car_park_card AS card LEFT JOIN reservation.policy AS policy ON policy.car_park = card.id
WHERE card.id = $1 AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""

PUT_POLICY = """
-- Later than before in any case: whoever remembers the policy knows it by this time.
INSERT INTO reservation.policy AS policy (car_park, policy, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (car_park) DO UPDATE SET policy = excluded.policy,
    updated_at = greatest(excluded.updated_at, policy.updated_at + interval '1 microsecond')
RETURNING policy, updated_at
"""

PAGE = f"""
-- Two branches for two partial indexes, each read from the latest beginning on as far as the page needs.
WITH standing AS (
    SELECT * FROM reservation.reservation
    WHERE car_park = $1 AND state IN ('held', 'confirmed', 'checked_in')
        AND lower(during) < $2 AND lower(during) >= $3 AND upper(during) > $4
        AND (lower(during), id) < ($5, $6) AND ($7::text[] IS NULL OR state = ANY ($7))
    ORDER BY lower(during) DESC, id DESC LIMIT $8
), over AS (
    SELECT * FROM reservation.reservation
    WHERE car_park = $1 AND ended_at IS NOT NULL
        AND lower(during) < $2 AND lower(during) >= $3 AND upper(during) > $4
        AND (lower(during), id) < ($5, $6) AND ($7::text[] IS NULL OR state = ANY ($7))
    ORDER BY lower(during) DESC, id DESC LIMIT $8
)
SELECT {COLUMNS} FROM (SELECT * FROM standing UNION ALL SELECT * FROM over) AS listed
ORDER BY lower(during) DESC, id DESC LIMIT $8
"""

OWN_RESERVATION = """
SELECT card.operator, card.id AS car_park FROM reservation.reservation AS kept
JOIN registry.car_park_card AS card ON card.id = kept.car_park
WHERE kept.id = $1 AND ($2::text[] IS NULL OR card.operator = ANY ($2))
"""


async def own_car_park(tx: Tx, car_park: CarParkId, caller: Caller) -> Row | None:
    """The car park with its policy, if `caller` may manage it."""
    return await tx.fetchrow(OWN, car_park, caller.covered)


async def put_policy(tx: Tx, car_park: CarParkId, policy: dict[str, object]) -> Row:
    """What its operator says of it, instead of all that was said before."""
    row = await tx.fetchrow(PUT_POLICY, car_park, policy, tx.now)
    assert row is not None, "the statement returns what it writes"  # noqa: S101
    return row


async def page_of_car_park(
    tx: Tx,
    car_park: CarParkId,
    during: tuple[datetime, datetime],
    *,
    states: Sequence[str] | None,
    below: tuple[datetime, str],
    limit: int,
) -> list[Row]:
    """Promises of which some part is in `during`, latest beginning first, below the key (beginning, id)."""
    begins, until = during
    return await tx.fetch(PAGE, car_park, until, begins - STAY_MAX, begins, *below, states, limit)


async def own_reservation(tx: Tx, reservation: str, caller: Caller) -> Row | None:
    """Its car park and operator, if `caller` may manage them."""
    return await tx.fetchrow(OWN_RESERVATION, reservation, caller.covered)
