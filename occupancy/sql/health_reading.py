"""What an operator reads of his data's health."""

from collections.abc import Sequence

from contracts.ids import CarParkId
from kernel.db import Row, Tx

UNRATED = 101
"""Where a car park without a score stands among the scores: after the best."""

HEALTH = f"""
SELECT card.id, card.operator, card.name_zh, card.name_en, card.time_zone, quality.score, quality.reasons,
       quality.rated_at, coalesce(quality.score, {UNRATED}) AS place, books.last_received_at, state.online, state.stale,
       (SELECT count(*) FROM occupancy.space_doubt AS doubt WHERE doubt.car_park = card.id AND kind = 'silent')
           AS silent,
       (SELECT count(*) FROM occupancy.space_doubt AS doubt WHERE doubt.car_park = card.id AND kind = 'flapping')
           AS flapping,
       (SELECT count(*) FROM occupancy.seq_gap AS gap WHERE gap.car_park = card.id AND healed_at IS NULL) AS open_gaps
FROM registry.car_park_card AS card
LEFT JOIN occupancy.quality ON quality.car_park = card.id
LEFT JOIN occupancy.car_park_state AS state ON state.car_park = card.id
LEFT JOIN gateway.tally_now AS books ON books.car_park = card.id
WHERE ($1::text[] IS NULL OR card.operator = ANY($1))
"""

ONE = f"{HEALTH} AND card.id = $2"

PAGE = f"""
{HEALTH} AND (coalesce(quality.score, {UNRATED}), card.id COLLATE "C") > ($2, $3)
ORDER BY place, card.id COLLATE "C" LIMIT $4
"""


async def find_health(tx: Tx, car_park: CarParkId, operators: Sequence[str] | None) -> Row | None:
    """How a car park of `operators` is; None when there is none."""
    return await tx.fetchrow(ONE, operators, car_park)


async def page_of_health(tx: Tx, operators: Sequence[str] | None, *, after: tuple[int, str], limit: int) -> list[Row]:
    """The car parks of `operators`, the lowest scores first."""
    return await tx.fetch(PAGE, operators, *after, limit)
