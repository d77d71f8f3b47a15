"""A hold in one statement: the promise, its event and the minutes of its pool, or nothing that may be committed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.vehicles import Vehicle
from kernel.db import Row, Tx
from reservation.lifecycle import Promise
from reservation.minutes import DayPart
from reservation.policy import Terms
from reservation.sql.pools import UPDATE_TAKEN, columns
from reservation.sql.reservations import COLUMNS
from reservation.stay import Place

HOLD = f"""
-- `known` is empty when the place is no longer as it was remembered. Nothing is made where the space or the vehicle is
-- promised already: the transaction goes on, and the caller looks what is in the way. The order of locks is that of
-- every step: the reservation, then its days from the first on.
WITH known AS (
    SELECT WHERE $20::bigint IS NULL OR (
        (SELECT revision FROM registry.revision_now) = $20
        AND (SELECT updated_at FROM reservation.policy WHERE car_park = $3) IS NOT DISTINCT FROM $21::timestamptz
        AND (SELECT count(DISTINCT space) FROM reservation.private_space WHERE car_park = $3) = $25
        AND EXISTS (SELECT FROM reservation.private_space WHERE car_park = $3 AND space = $4) = $22)
), made AS (
    INSERT INTO reservation.reservation (id, driver, car_park, space, space_label, listing, plate, color, during,
        occupies, state, terms, price, hold_expires_at, earliest, latest, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, tstzrange($9, $10), tstzrange($9, $10), 'held', $11, $12, $13, $14, $15, $16
    FROM known ON CONFLICT DO NOTHING
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail)
    SELECT id, $16, 'held', version, $17 FROM made
), part AS (
    SELECT * FROM unnest($18::date[], $19::int[], $23::int[]) AS part (day, first, last)
), locked AS (
    SELECT pool.day FROM made JOIN reservation.pool_day AS pool ON pool.car_park = made.car_park JOIN part USING (day)
    ORDER BY pool.day FOR UPDATE OF pool
), taken AS ({UPDATE_TAKEN.format(car_park="$3", reservable="$24::int")})
SELECT {COLUMNS}, ARRAY(SELECT day FROM locked) AS locked_days,
    ARRAY(SELECT day FROM taken) AS taken_days, EXISTS (SELECT FROM known) AS place_known
FROM (VALUES (1)) AS one LEFT JOIN made ON true
"""

IN_THE_WAY = """
-- Of the vehicle, of the space, or of neither any more.
SELECT plate = $1 AND color = $2 AS vehicle FROM reservation.reservation
WHERE state IN ('held', 'confirmed', 'checked_in') AND occupies && tstzrange($4, $5)
    AND (plate = $1 AND color = $2 OR space = $3)
ORDER BY vehicle DESC LIMIT 1
"""

UNMAKE = """
WITH untold AS (DELETE FROM reservation.event WHERE reservation = $1)
DELETE FROM reservation.reservation WHERE id = $1
"""


async def insert(
    tx: Tx,
    reservation: str,
    *,
    driver: str,
    place: Place,
    listing: str | None,
    vehicle: Vehicle,
    promise: Promise,
    terms: Terms,
    price: int,
    detail: dict[str, Any],
    parts: Sequence[DayPart],
) -> Row:
    """A new hold that takes `parts` of its pool, and what came of it: `place_known`; `id`, NULL where it was not made;
    `locked_days` and `taken_days` of the pool, for `pools.take_rest`.
    """
    days, firsts, lasts = columns(parts)
    row = await tx.fetchrow(
        HOLD,
        reservation,
        driver,
        place.car_park,
        place.space,
        place.label,
        listing,
        vehicle.plate,
        vehicle.color,
        promise.begins,
        promise.until,
        msgspec.to_builtins(terms),
        price,
        promise.hold_expires_at,
        terms.earliest(promise.begins),
        promise.latest,
        tx.now,
        detail,
        days,
        firsts,
        place.revision,
        place.policy_at,
        place.is_lent,
        lasts,
        place.reservable,
        place.private_spaces,
    )
    assert row is not None, "the statement selects from one row"  # noqa: S101
    return row


async def is_vehicle_in_the_way(tx: Tx, space: int | None, vehicle: Vehicle, promise: Promise) -> bool:
    """Whether it is the vehicle, and not only the space, that is promised at this time."""
    found = await tx.fetchval(IN_THE_WAY, vehicle.plate, vehicle.color, space, promise.begins, promise.until)
    return bool(found) if found is not None else space is None


async def unmake(tx: Tx, reservation: str) -> None:
    """A hold that this transaction made and must not keep, with its event."""
    await tx.execute(UNMAKE, reservation)
