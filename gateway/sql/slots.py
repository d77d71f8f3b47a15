"""Statements of the slots. The database's clock decides; `session` is the application_name of the holder's sessions."""

from collections.abc import Sequence

from kernel.db import Row, Tx

ADD_SLOTS = """
INSERT INTO gateway.slot (client_id) SELECT unnest($1::text[]) ON CONFLICT ON CONSTRAINT slot_key DO NOTHING
"""

# Only sessions of our own role show their name; another role's holder is given up by time alone.
SLOTS = """
SELECT client_id, term, holder, until, session, until < clock_timestamp() AS lapsed,
       NOT EXISTS (SELECT FROM pg_stat_activity AS activity
                   WHERE activity.application_name = slot.session AND activity.datname = current_database()) AS orphaned
FROM gateway.slot WHERE client_id = ANY ($1) ORDER BY array_position($1, client_id)
"""

CLAIM = """
UPDATE gateway.slot SET term = term + 1, holder = $2, session = current_setting('application_name'),
       until = clock_timestamp() + make_interval(secs => $3), claimed_at = clock_timestamp()
WHERE client_id = $1 AND term = $4 AND until = $5 RETURNING term
"""

# A process that was stopped in mid-transaction holds its locks: they would keep its successor from the same car parks.
END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = $1 AND application_name <> current_setting('application_name')
  AND datname = current_database() AND usename = current_user
"""

RENEW = """
UPDATE gateway.slot SET until = clock_timestamp() + make_interval(secs => $3) WHERE client_id = $1 AND term = $2
"""

GIVE_UP = """
UPDATE gateway.slot SET holder = NULL, until = clock_timestamp() WHERE client_id = $1 AND term = $2
"""

SUBSCRIBED = "SELECT operator FROM gateway.subscription WHERE client_id = $1"

# A broker forgets a session that nobody came back to: after that its operators are strangers again.
SUBSCRIBED_ELSEWHERE = """
SELECT subscription.operator FROM gateway.subscription JOIN gateway.slot USING (client_id)
WHERE client_id = ANY ($1) AND slot.until > clock_timestamp() - make_interval(secs => $2)
"""

ADD_SUBSCRIPTIONS = """
INSERT INTO gateway.subscription (client_id, operator, since) SELECT $1, unnest($2::text[]), $3
ON CONFLICT ON CONSTRAINT subscription_key DO NOTHING
"""

DROP_SUBSCRIPTIONS = "DELETE FROM gateway.subscription WHERE client_id = $1 AND operator = ANY ($2)"

FORGET_SUBSCRIPTIONS = "DELETE FROM gateway.subscription WHERE client_id = ANY ($1)"


async def slots(tx: Tx, client_ids: Sequence[str]) -> list[Row]:
    """`client_id, term, holder, until, session, lapsed, orphaned` of each in this order, made where it is missing."""
    found = await tx.fetch(SLOTS, client_ids)
    if len(found) < len(client_ids):
        await tx.execute(ADD_SLOTS, sorted(client_ids))
        found = await tx.fetch(SLOTS, client_ids)
    return found


async def claim_slot(tx: Tx, seen: Row, *, holder: str, lease_s: float) -> int | None:
    """The term of our holding; None when the slot is no longer as `seen`. Ends its holder's database sessions."""
    term: int | None = await tx.fetchval(CLAIM, seen["client_id"], holder, lease_s, seen["term"], seen["until"])
    if term is not None and seen["holder"] is not None:
        await tx.fetchval(END_SESSIONS, seen["session"])
    return term


async def renew_slot(tx: Tx, client_id: str, *, term: int, lease_s: float) -> bool:
    """Whether it was still ours."""
    return await tx.execute(RENEW, client_id, term, lease_s) == 1


async def give_up_slot(tx: Tx, client_id: str, *, term: int) -> None:
    await tx.execute(GIVE_UP, client_id, term)


async def subscribed(tx: Tx, client_id: str) -> frozenset[str]:
    """The operators whose messages the broker keeps for this client id."""
    return frozenset(row["operator"] for row in await tx.fetch(SUBSCRIBED, client_id))


async def subscribed_elsewhere(tx: Tx, client_ids: Sequence[str], *, session_expiry_s: float) -> frozenset[str]:
    """The same of all `client_ids` whose sessions the broker still has."""
    return frozenset(row["operator"] for row in await tx.fetch(SUBSCRIBED_ELSEWHERE, client_ids, session_expiry_s))


async def add_subscriptions(tx: Tx, client_id: str, operators: Sequence[str]) -> None:
    await tx.execute(ADD_SUBSCRIPTIONS, client_id, operators, tx.now)


async def drop_subscriptions(tx: Tx, client_id: str, operators: Sequence[str]) -> None:
    await tx.execute(DROP_SUBSCRIPTIONS, client_id, operators)


async def forget_subscriptions(tx: Tx, client_ids: Sequence[str]) -> None:
    """All of these: the broker has forgotten them."""
    await tx.execute(FORGET_SUBSCRIPTIONS, client_ids)
