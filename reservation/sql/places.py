"""What the registry says of a place that shall be promised, and how its car park promises."""

from contracts.ids import CarParkId
from kernel.db import Row, Tx

CAR_PARK = """
-- A private space is not of the pool, and never promised as one.
SELECT card.id, card.operator, card.closed, card.time_zone, policy.policy, private.spaces AS private_spaces,
    least(card.reservable, greatest(0, card.capacity - private.spaces))::integer AS reservable,
    policy.updated_at AS policy_at, (SELECT revision FROM registry.revision_now) AS revision
FROM registry.car_park_card AS card LEFT JOIN reservation.policy AS policy ON policy.car_park = card.id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT private.space) AS spaces FROM reservation.private_space AS private
    WHERE private.car_park = card.id) AS private
WHERE card.id = $1
"""

SPACES = """
SELECT space.number, space.car_park, space.label,
    EXISTS (SELECT FROM reservation.private_space AS private WHERE private.space = space.number) AS private
FROM registry.space_directory AS space
WHERE space.label = $1 AND ($2::text IS NULL OR space.car_park = $2) LIMIT 2
"""

SLOT = """
SELECT listing.id, listing.price_per_hour, listing.owner_share_bp, listing.notice_s
FROM reservation.share_slot AS slot JOIN reservation.listing AS listing ON listing.id = slot.listing
WHERE slot.space = $1 AND slot.during @> tstzrange($2, $3) AND listing.state = 'approved'
FOR SHARE OF slot
"""


async def car_park(tx: Tx, car_park_id: CarParkId) -> Row | None:
    """The car park with its policy, if it is in use."""
    return await tx.fetchrow(CAR_PARK, car_park_id)


async def spaces(tx: Tx, label: str, car_park_id: CarParkId | None) -> list[Row]:
    """The numbered space of that label, at most two: a label alone may be of several car parks."""
    return await tx.fetch(SPACES, label, car_park_id)


async def slot_around(tx: Tx, space: int, begins: object, until: object) -> Row | None:
    """The listing that lends the space for the whole window; its slot stays until the transaction ends."""
    return await tx.fetchrow(SLOT, space, begins, until)
