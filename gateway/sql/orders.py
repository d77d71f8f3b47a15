"""Statements on the orders to devices. Those that move a state say the same as `order_lifecycle`, a set at a time."""

from collections.abc import Sequence
from datetime import datetime

from contracts.ids import CarParkId, OrderId
from contracts.orders import WantedOrder
from kernel.db import Row, Tx

CHANNEL = "gateway_order"
"""Where a commit with an order in it is told: whoever dispatches listens."""

# Where the order goes: the operator, whether the lane, space or sign is there, and whether lanes are known at all; and
# the order itself, where somebody can obey it (a car park that registered no lanes may name them as it likes).
GIVE = """
WITH place AS (
    SELECT card.operator,
        EXISTS (SELECT FROM registry.lane_directory AS lane WHERE lane.car_park = card.id) AS has_lanes,
        EXISTS (SELECT FROM registry.lane_directory AS lane WHERE lane.car_park = card.id AND lane.label = $4) AS lane,
        EXISTS (SELECT FROM registry.space_directory AS space WHERE space.car_park = card.id AND space.label = $5)
            AS space,
        EXISTS (SELECT FROM registry.sign_directory AS sign WHERE sign.id = $6 AND sign.operator = card.operator)
            AS sign
    FROM registry.car_park_card AS card WHERE card.id = $2
), given AS (
    INSERT INTO gateway.device_order (id, operator, car_park, kind, lane, space, sign, text, reason, actor, cause,
                                      given_at, expires_at, state)
    SELECT $1, operator, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending' FROM place
    WHERE $13 AND ($4::text IS NULL OR lane OR NOT has_lanes) AND ($5::text IS NULL OR space)
      AND ($6::text IS NULL OR sign)
    ON CONFLICT ON CONSTRAINT device_order_same DO NOTHING
    RETURNING id
)
SELECT place.*, given.id IS NOT NULL AS is_new, CASE WHEN given.id IS NOT NULL THEN pg_notify($14, '') END
FROM place LEFT JOIN given ON true
"""

OPERATOR_OF = """
SELECT operator FROM registry.car_park_card WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""

OF_CAUSE = "SELECT id FROM gateway.device_order WHERE car_park = $1 AND cause = $2"

# A newer text for the same place makes those needless that were not handed to the link. Nobody is waited for: a row
# that is locked is being sent, answered, closed, or superseded by a text that was given at the same time.
LOCK_NEEDLESS_TEXTS = """
SELECT id FROM gateway.device_order
WHERE car_park = $2 AND kind = 'show_text' AND state = 'pending' AND dispatched_at IS NULL AND id <> $1
  AND lane IS NOT DISTINCT FROM $3 AND sign IS NOT DISTINCT FROM $4
ORDER BY id FOR UPDATE SKIP LOCKED
"""

SUPERSEDE = """
UPDATE gateway.device_order SET state = 'superseded', superseded_by = $1, closed_at = $3 WHERE id = ANY ($2)
"""

OPERATORS_WITH_PENDING = """
SELECT DISTINCT operator FROM gateway.device_order WHERE state = 'pending' AND expires_at > $1
"""

# What may go out now. A car park that said it is offline gets nothing: it would find a stale order on its return.
# A text that was sent without the broker's word is not sent again over a newer one.
PENDING = """
SELECT id, operator, car_park, kind, lane, space, sign, text, reason, given_at, expires_at
FROM gateway.device_order AS wanted
WHERE state = 'pending' AND expires_at > $1 AND id <> ALL ($2::text[])
  AND operator = ANY ($3)
  AND NOT EXISTS (SELECT FROM occupancy.online_now AS seen WHERE seen.car_park = wanted.car_park AND NOT seen.online)
  AND NOT (dispatched_at IS NOT NULL AND EXISTS (
      SELECT FROM gateway.device_order AS newer
      WHERE newer.car_park = wanted.car_park AND newer.kind = 'show_text' AND newer.id > wanted.id
        AND newer.lane IS NOT DISTINCT FROM wanted.lane AND newer.sign IS NOT DISTINCT FROM wanted.sign))
ORDER BY given_at, id LIMIT $4
"""

# Every statement that locks several orders and waits for them does so in the order of their ids.
LOCK_STILL_PENDING = """
SELECT id FROM gateway.device_order WHERE id = ANY ($1) AND state = 'pending' ORDER BY id FOR UPDATE
"""

SET_DISPATCHED = """
UPDATE gateway.device_order SET dispatched_at = $2 WHERE id = ANY ($1) AND dispatched_at IS NULL
"""

LOCK = "SELECT FROM gateway.device_order WHERE id = ANY ($1) ORDER BY id FOR UPDATE"

# Those that were acknowledged faster than this was written down keep their state.
SET_PUBLISHED = """
UPDATE gateway.device_order AS kept SET published_at = new.at,
       state = CASE WHEN state = 'pending' THEN 'published' ELSE state END
FROM unnest($1::text[], $2::timestamptz[]) AS new (id, at)
WHERE kept.id = new.id AND kept.published_at IS NULL
"""

SET_REFUSED = """
UPDATE gateway.device_order SET state = 'failed', error = $2, closed_at = $3
WHERE id = $1 AND state IN ('pending', 'published') RETURNING car_park, kind, cause
"""

LOCK_ACKNOWLEDGED = """
SELECT id, car_park, kind, cause, given_at, expires_at, state, published_at, acknowledged_at, acknowledged_late_at,
       device_at, error, closed_at, superseded_by
FROM gateway.device_order WHERE id = ANY ($1) ORDER BY id FOR UPDATE
"""

SET_ACKNOWLEDGED = """
UPDATE gateway.device_order
SET state = $2, published_at = $3, acknowledged_at = $4, acknowledged_late_at = $5, device_at = $6, error = $7,
    closed_at = $8, superseded_by = $9
WHERE id = $1
"""

# Past its deadline; whoever else sweeps takes others, and a row that is being acknowledged waits for the next turn.
LOCK_EXPIRED = """
SELECT id, car_park, kind, cause FROM gateway.device_order
WHERE state IN ('pending', 'published') AND expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""

SET_EXPIRED = "UPDATE gateway.device_order SET state = 'expired', closed_at = $2 WHERE id = $1"

FORGET = """
DELETE FROM gateway.device_order WHERE id IN (
    SELECT id FROM gateway.device_order WHERE id < $1 AND closed_at < $2 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""

_SHOWN = """
SELECT id, operator, car_park, kind, lane, space, sign, text, reason, actor, cause, given_at, expires_at, published_at,
       acknowledged_at, acknowledged_late_at, device_at, error, superseded_by,
       CASE WHEN is_over THEN 'expired' ELSE state END AS state,
       CASE WHEN is_over THEN expires_at ELSE closed_at END AS closed_at
FROM (SELECT *, state IN ('pending', 'published') AND expires_at < $1 AS is_over FROM gateway.device_order) AS seen
"""

ONE = _SHOWN + "WHERE id = $2 AND ($3::text[] IS NULL OR operator = ANY ($3))"

# Newest first: ids begin with the millisecond in which the order was given.
PAGE = (
    _SHOWN
    + """
WHERE ($2::text[] IS NULL OR operator = ANY ($2)) AND ($3::text IS NULL OR car_park = $3)
  AND ($4::text IS NULL OR CASE WHEN is_over THEN 'expired' ELSE state END = $4)
  AND ($5::text IS NULL OR id < $5)
ORDER BY id DESC LIMIT $6
"""
)


async def operator_of_car_park(tx: Tx, car_park: CarParkId, operators: Sequence[str] | None) -> str | None:
    """Whose car park it is, if it is in use and one of `operators` runs it; None = every one."""
    found: str | None = await tx.fetchval(OPERATOR_OF, car_park, operators)
    return found


async def give(
    tx: Tx, order_id: OrderId, wanted: WantedOrder, expires_at: datetime, *, can_be_obeyed: bool
) -> Row | None:
    """`operator`, `has_lanes`, whether `lane`, `space` and `sign` are there; None: no such car park. `is_new`: it was
    given, and whoever dispatches is told with the commit; False where nobody could obey, or the cause gave one before.
    """
    place = (wanted.lane, wanted.space, wanted.sign, wanted.text)
    why = (wanted.reason, wanted.actor, wanted.cause)
    when = (tx.now, expires_at)
    return await tx.fetchrow(GIVE, order_id, wanted.car_park, wanted.kind, *place, *why, *when, can_be_obeyed, CHANNEL)


async def order_of_cause(tx: Tx, car_park: CarParkId, cause: str) -> OrderId:
    """The order that `cause` gave before."""
    found: OrderId = await tx.fetchval(OF_CAUSE, car_park, cause)
    return found


async def supersede_texts(tx: Tx, order_id: OrderId, wanted: WantedOrder) -> int:
    """How many older texts for the place of `wanted` will not go out."""
    needless = await tx.fetch(LOCK_NEEDLESS_TEXTS, order_id, wanted.car_park, wanted.lane, wanted.sign)
    if not needless:
        return 0
    return await tx.execute(SUPERSEDE, order_id, [row["id"] for row in needless], tx.now)


async def operators_with_pending(tx: Tx) -> list[str]:
    """Whose orders wait to go out."""
    return [row["operator"] for row in await tx.fetch(OPERATORS_WITH_PENDING, tx.now)]


async def pending_orders(tx: Tx, *, but_not: Sequence[str], operators: Sequence[str], limit: int) -> list[Row]:
    """What may go out now to the devices of `operators`, oldest first."""
    return await tx.fetch(PENDING, tx.now, list(but_not), operators, limit)


async def set_dispatched(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Those of `ids` that are still pending; from the commit on no newer text takes their place."""
    pending = [row["id"] for row in await tx.fetch(LOCK_STILL_PENDING, ids)]
    await tx.execute(SET_DISPATCHED, pending, tx.now)
    return pending


async def set_published(tx: Tx, published: Sequence[tuple[str, datetime]]) -> None:
    """`(id, when the PUBACK came)` each."""
    ordered = sorted(published)
    await tx.execute(LOCK, [order_id for order_id, _ in ordered])
    await tx.execute(SET_PUBLISHED, [order_id for order_id, _ in ordered], [at for _, at in ordered])


async def set_order_refused(tx: Tx, order_id: str, error: str) -> Row | None:
    """`car_park, kind, cause` of the order that the broker would not have; None when it is closed already."""
    return await tx.fetchrow(SET_REFUSED, order_id, error, tx.now)


async def lock_orders(tx: Tx, ids: Sequence[str]) -> list[Row]:
    """In the order of their ids, so that two gateways never wait in a circle."""
    return await tx.fetch(LOCK_ACKNOWLEDGED, ids)


async def set_acknowledged(tx: Tx, rows: Sequence[Sequence[object]]) -> None:
    """`(id, state, published_at, acknowledged_at, acknowledged_late_at, device_at, error, closed_at,
    superseded_by)` each."""
    await tx.executemany(SET_ACKNOWLEDGED, rows)


async def lock_expired(tx: Tx, *, limit: int) -> list[Row]:
    """`id, car_park, kind, cause` of open orders that nobody answered in time."""
    return await tx.fetch(LOCK_EXPIRED, tx.now, limit)


async def set_expired(tx: Tx, order_id: str) -> None:
    """Of a row that is locked."""
    await tx.execute(SET_EXPIRED, order_id, tx.now)


async def forget_orders(tx: Tx, *, before_id: str, closed_before: datetime, limit: int) -> int:
    """How many went."""
    return await tx.execute(FORGET, before_id, closed_before, limit)


async def find_order(tx: Tx, order_id: str, operators: Sequence[str] | None) -> Row | None:
    """One order of `operators` (None = every one), as it stands now."""
    return await tx.fetchrow(ONE, tx.now, order_id, operators)


async def page_of_orders(
    tx: Tx,
    *,
    operators: Sequence[str] | None,
    car_park: str | None,
    state: str | None,
    before: str | None,
    limit: int,
) -> list[Row]:
    """At most `limit` of them, newest first, as they stand now."""
    return await tx.fetch(PAGE, tx.now, operators, car_park, state, before, limit)
