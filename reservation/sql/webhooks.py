"""Webhooks of operators, and what they are told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.sql.events import Position

_WEBHOOK: Final = """
id, operator, url, events, enabled, former_until, failures, quiet_until, created_at, updated_at
"""
_DELIVERY: Final = """
delivery.id, delivery.webhook, delivery.event, delivery.kind, delivery.state, delivery.attempts, delivery.next_at,
delivery.status, delivery.error, delivery.created_at, delivery.ended_at
"""
_OWN: Final = "($2::text[] IS NULL OR operator = ANY ($2))"

OPERATOR = "SELECT id FROM registry.operator_directory WHERE id = $1"
OWN = f"SELECT {_WEBHOOK} FROM reservation.webhook WHERE id = $1 AND {_OWN} FOR UPDATE"
READ = f"SELECT {_WEBHOOK} FROM reservation.webhook WHERE id = $1 AND {_OWN}"
PAGE = f"""
SELECT {_WEBHOOK} FROM reservation.webhook WHERE id > $1 AND {_OWN} ORDER BY id LIMIT $3
"""
COUNT = "SELECT count(*) FROM reservation.webhook WHERE operator = $1"
ADD = f"""
INSERT INTO reservation.webhook (id, operator, url, events, enabled, secret, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING
RETURNING {_WEBHOOK}
"""
CHANGE = f"""
-- Whoever changes it wants it tried.
UPDATE reservation.webhook
SET url = $2, events = $3, enabled = $4, updated_at = $5, failures = 0, quiet_until = NULL WHERE id = $1
RETURNING {_WEBHOOK}
"""
RENEW = f"""
UPDATE reservation.webhook SET former_secret = secret, former_until = $3, secret = $2, updated_at = $4 WHERE id = $1
RETURNING {_WEBHOOK}
"""
REMOVE = "DELETE FROM reservation.webhook WHERE id = $1"

LOCK_READER = """
SELECT horizon, low, mark_horizon, mark FROM reservation.event_reader WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED
"""
MOVE_READER = """
UPDATE reservation.event_reader SET horizon = $1, low = $2, mark_horizon = $3, mark = $4 WHERE name = 'webhooks'
"""
WANTED = """
SELECT card.id AS car_park, hook.id AS webhook, hook.events, hook.created_at
FROM registry.car_park_card AS card JOIN reservation.webhook AS hook ON hook.operator = card.operator AND hook.enabled
WHERE card.id = ANY ($1)
"""
ADD_DELIVERY = """
INSERT INTO reservation.webhook_delivery (id, webhook, event, kind, body, state, next_at, give_up_at, created_at)
VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, $6) ON CONFLICT ON CONSTRAINT webhook_delivery_once DO NOTHING
"""
LEFT_BEHIND = """
-- Whose job was lost.
UPDATE reservation.webhook_delivery SET turns = turns + 1, next_at = $2
WHERE id IN (SELECT id FROM reservation.webhook_delivery WHERE state = 'waiting' AND next_at < $1
             ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, turns
"""
FORGET = """
DELETE FROM reservation.webhook_delivery WHERE id IN (
    SELECT id FROM reservation.webhook_delivery WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""

DUE = f"""
SELECT {_DELIVERY}, delivery.body, delivery.turns, delivery.give_up_at, hook.url, hook.enabled, hook.secret,
    CASE WHEN hook.former_until > $3 THEN hook.former_secret END AS former_secret, hook.quiet_until
FROM reservation.webhook_delivery AS delivery JOIN reservation.webhook AS hook ON hook.id = delivery.webhook
WHERE delivery.id = $1 AND delivery.state = 'waiting' AND delivery.turns = $2
"""
TURN = """
UPDATE reservation.webhook_delivery SET turns = turns + 1, attempts = attempts + $3, state = $4, next_at = $5,
    status = coalesce($6, status), error = $7, ended_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE $8::timestamptz END
WHERE id = $1 AND state = 'waiting' AND turns = $2
"""
SUCCEEDED = """
UPDATE reservation.webhook SET failures = 0, quiet_until = NULL
WHERE id = $1 AND (failures > 0 OR quiet_until IS NOT NULL)
"""
FAILED = "UPDATE reservation.webhook SET failures = failures + 1 WHERE id = $1 RETURNING failures"
QUIET = "UPDATE reservation.webhook SET quiet_until = $2 WHERE id = $1"
DISABLE = "UPDATE reservation.webhook SET enabled = false, updated_at = $2 WHERE id = $1"

DELIVERIES = f"""
SELECT {_DELIVERY} FROM reservation.webhook_delivery AS delivery
WHERE delivery.webhook = $1 AND ($2::bigint IS NULL OR delivery.event < $2)
    AND ($3::text IS NULL OR delivery.state = $3)
ORDER BY delivery.event DESC LIMIT $4
"""
OWN_DELIVERY = f"""
SELECT {_DELIVERY}, hook.operator FROM reservation.webhook_delivery AS delivery
JOIN reservation.webhook AS hook ON hook.id = delivery.webhook
WHERE delivery.id = $1 AND {_OWN} FOR UPDATE OF delivery
"""
AGAIN = f"""
UPDATE reservation.webhook_delivery AS delivery SET state = 'waiting', attempts = 0, turns = turns + 1, next_at = $2,
    give_up_at = $3, ended_at = NULL
WHERE id = $1 RETURNING {_DELIVERY}, turns
"""


async def has_operator(tx: Tx, operator: str) -> bool:
    return await tx.fetchval(OPERATOR, operator) is not None


async def own(tx: Tx, webhook: str, caller: Caller) -> Row | None:
    """The webhook, locked, if `caller` may manage it."""
    return await tx.fetchrow(OWN, webhook, caller.covered)


async def read(tx: Tx, webhook: str, caller: Caller) -> Row | None:
    return await tx.fetchrow(READ, webhook, caller.covered)


async def page(tx: Tx, caller: Caller, *, after: str, limit: int) -> list[Row]:
    """Those that `caller` may manage, by id."""
    return await tx.fetch(PAGE, after, caller.covered, limit)


async def count(tx: Tx, operator: str) -> int:
    return int(await tx.fetchval(COUNT, operator))


async def add(
    tx: Tx, webhook: str, *, operator: str, url: str, events: Sequence[str], enabled: bool, secret: bytes
) -> Row | None:
    """None when there is one under this id."""
    return await tx.fetchrow(ADD, webhook, operator, url, events, enabled, secret, tx.now)


async def change(tx: Tx, webhook: str, *, url: str, events: Sequence[str], enabled: bool) -> Row:
    return _there(await tx.fetchrow(CHANGE, webhook, url, events, enabled, tx.now))


async def renew(tx: Tx, webhook: str, secret: bytes, former_until: datetime) -> Row:
    """A new secret; the one before is valid until then."""
    return _there(await tx.fetchrow(RENEW, webhook, secret, former_until, tx.now))


async def remove(tx: Tx, webhook: str) -> None:
    """With all that it was to be told."""
    await tx.execute(REMOVE, webhook)


async def lock_reader(tx: Tx) -> Position | None:
    """Where the reading is; None while another process reads."""
    row = await tx.fetchrow(LOCK_READER)
    return None if row is None else Position(row["horizon"], row["low"], row["mark_horizon"], row["mark"])


async def move_reader(tx: Tx, position: Position) -> None:
    await tx.execute(MOVE_READER, position.horizon, position.low, position.mark_horizon, position.mark)


async def wanted(tx: Tx, car_parks: Sequence[str]) -> list[Row]:
    """Which webhooks hear of these car parks, and of what."""
    return await tx.fetch(WANTED, car_parks)


async def add_deliveries(tx: Tx, deliveries: Sequence[tuple[str, str, int, str, bytes]], give_up_at: datetime) -> None:
    """(id, webhook, event, kind, body) each."""
    await tx.executemany(ADD_DELIVERY, [(*delivery, tx.now, give_up_at) for delivery in deliveries])


async def left_behind(tx: Tx, before: datetime, limit: int) -> list[Row]:
    """`id` and `turns` of those that should have been tried `before` and were not."""
    return await tx.fetch(LEFT_BEHIND, before, tx.now, limit)


async def forget(tx: Tx, kept_for: timedelta, limit: int) -> int:
    return await tx.execute(FORGET, tx.now - kept_for, limit)


async def due(tx: Tx, delivery: str, turn: int) -> Row | None:
    """With its webhook; None when it has ended, or somebody else has had this turn."""
    return await tx.fetchrow(DUE, delivery, turn, tx.now)


async def turn(
    tx: Tx, row: Row, *, attempted: bool, state: str, next_at: datetime | None, status: int | None, error: str | None
) -> bool:
    """What came of it; False when somebody else was faster."""
    said: tuple[Any, ...] = (int(attempted), state, next_at, status, error, tx.now)
    return await tx.execute(TURN, row["id"], row["turns"], *said) > 0


async def succeeded(tx: Tx, webhook: str) -> None:
    await tx.execute(SUCCEEDED, webhook)


async def failed(tx: Tx, webhook: str) -> int:
    """How often in a row by now."""
    return int(await tx.fetchval(FAILED, webhook))


async def quiet(tx: Tx, webhook: str, until: datetime) -> None:
    await tx.execute(QUIET, webhook, until)


async def disable(tx: Tx, webhook: str) -> None:
    await tx.execute(DISABLE, webhook, tx.now)


async def deliveries(tx: Tx, webhook: str, *, below: int | None, state: str | None, limit: int) -> list[Row]:
    """Newest first."""
    return await tx.fetch(DELIVERIES, webhook, below, state, limit)


async def own_delivery(tx: Tx, delivery: str, caller: Caller) -> Row | None:
    """Locked, if `caller` may manage its webhook."""
    return await tx.fetchrow(OWN_DELIVERY, delivery, caller.covered)


async def again(tx: Tx, delivery: str, give_up_at: datetime) -> Row:
    """As if it had just been made."""
    return _there(await tx.fetchrow(AGAIN, delivery, tx.now, give_up_at))


def _there(row: Row | None) -> Row:
    assert row is not None, "its row is locked"  # noqa: S101
    return row
