"""What permits and coupons are issued against: car parks of one operator, and the concessions of their tariffs."""

from collections.abc import Sequence
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

OWN_CAR_PARKS: Final = """
    SELECT id, operator FROM registry.car_park_card
    WHERE id = ANY ($1) AND ($2::text[] IS NULL OR operator = ANY ($2)) ORDER BY id
"""


async def own_car_parks(tx: Tx, car_parks: Sequence[str], caller: Caller) -> list[Row]:
    """Those that `caller` may manage."""
    return await tx.fetch(OWN_CAR_PARKS, list(car_parks), caller.covered)


NAMED: Final = """
    SELECT DISTINCT tariff.car_park, named ->> 'id' AS concession, named ->> 'kind' AS kind
    FROM billing.tariff, jsonb_array_elements(tariff.document -> 'concessions') AS named
    WHERE tariff.car_park = ANY ($1) AND tariff.withdrawn_at IS NULL
        AND (tariff.valid_until IS NULL OR tariff.valid_until > $2)
"""


async def named_by_tariffs(tx: Tx, car_parks: Sequence[str]) -> list[Row]:
    """Every concession of a tariff there that is not over."""
    return await tx.fetch(NAMED, list(car_parks), tx.now)
