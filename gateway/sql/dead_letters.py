"""Statements on the dead letters."""

from collections.abc import Sequence
from datetime import datetime

from gateway.dead_letters import DeadLetter
from gateway.refusals import OUR_FAULT, Reason
from kernel.db import Row, Tx
from kernel.ids import new_id

# Seen again: the same refusal counts up, and is open again if it had been replayed.
ADD_DEAD_LETTERS = """
INSERT INTO gateway.dead_letter AS kept (id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
                                         message_sha256, events, booked, codec, first_seen_at, last_seen_at, count)
SELECT id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
       message_sha256, events, booked, codec, seen_at, seen_at, count
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::integer[],
            $9::text[], $10::text[], $11::integer[], $12::boolean[], $13::timestamptz[], $14::bigint[], $15::text[])
    AS new (id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
            message_sha256, events, booked, seen_at, count, codec)
ON CONFLICT ON CONSTRAINT dead_letter_same DO UPDATE
SET count = CASE WHEN kept.replayed_at IS NULL THEN kept.count ELSE 0 END + EXCLUDED.count,
    booked = EXCLUDED.booked, message_sha256 = EXCLUDED.message_sha256,
    last_seen_at = greatest(kept.last_seen_at, EXCLUDED.last_seen_at),
    detail = EXCLUDED.detail, codec = EXCLUDED.codec, replayed_at = NULL
"""

# One page of what was refused, newest first; the cursor is (last_seen_at, id) of the last one seen.
PAGE_OF_DEAD_LETTERS = """
SELECT id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256, message_sha256, events, codec,
       first_seen_at, last_seen_at, count, replayed_at
FROM gateway.dead_letter
WHERE ($1::text[] IS NULL OR operator = ANY ($1))
  AND ($2::text IS NULL OR car_park = $2)
  AND ($3::text IS NULL OR reason = $3)
  AND ($4 OR replayed_at IS NULL)
  AND ($5::timestamptz IS NULL OR (last_seen_at, id) < ($5, $6::text))
ORDER BY last_seen_at DESC, id DESC
LIMIT $7
"""

LOCK_DEAD_LETTER = """
SELECT operator, topic, payload, payload_bytes, events, booked, count, first_seen_at, replayed_at
FROM gateway.dead_letter WHERE id = $1 FOR UPDATE
"""

SET_REPLAYED = "UPDATE gateway.dead_letter SET replayed_at = $2 WHERE id = $1"

# The key holds the reason: where the new one is taken by another row, this row keeps its own.
SET_DETAIL = """
UPDATE gateway.dead_letter AS kept SET reason = $2, detail = $3
WHERE id = $1 AND NOT EXISTS (
    SELECT FROM gateway.dead_letter AS other
    WHERE other.topic = kept.topic AND other.reason = $2 AND other.sha256 = kept.sha256 AND other.id <> kept.id)
"""

# By age; and per car park and in all the newest stay, but never at the cost of what we ourselves failed to store.
FORGET_DEAD_LETTERS = """
DELETE FROM gateway.dead_letter WHERE last_seen_at < $1 OR id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY operator, car_park ORDER BY last_seen_at DESC, id) AS of_car_park,
               row_number() OVER (ORDER BY last_seen_at DESC, id) AS of_all
        FROM gateway.dead_letter WHERE reason <> ALL ($4::text[])
    ) AS ranked WHERE of_car_park > $2 OR of_all > $3)
"""


async def add_dead_letters(tx: Tx, ordered: Sequence[tuple[DeadLetter, int]]) -> None:
    """Keep letters with how often each came, in the order of their key: two gateways never wait in a circle."""
    await tx.execute(
        ADD_DEAD_LETTERS,
        [new_id("dl", tx.now) for _ in ordered],
        [letter.operator for letter, _ in ordered],
        [letter.car_park for letter, _ in ordered],
        [letter.topic for letter, _ in ordered],
        [letter.reason.value for letter, _ in ordered],
        [letter.detail for letter, _ in ordered],
        [letter.payload for letter, _ in ordered],
        [letter.payload_bytes for letter, _ in ordered],
        [letter.sha256 for letter, _ in ordered],
        [letter.message_sha256 for letter, _ in ordered],
        [letter.events for letter, _ in ordered],
        [letter.booked for letter, _ in ordered],
        [letter.seen_at for letter, _ in ordered],
        [count for _, count in ordered],
        [letter.codec for letter, _ in ordered],
    )


async def page_of_dead_letters(
    tx: Tx,
    *,
    operators: Sequence[str] | None,
    car_park: str | None,
    reason: str | None,
    replayed: bool,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Row]:
    """At most `limit` rows; `operators` None = every one, `replayed` shows those too that were replayed."""
    at, letter_id = before or (None, None)
    return await tx.fetch(PAGE_OF_DEAD_LETTERS, operators, car_park, reason, replayed, at, letter_id, limit)


async def lock_dead_letter(tx: Tx, letter_id: str) -> Row | None:
    """What a replay needs of it; nobody else replays it meanwhile."""
    return await tx.fetchrow(LOCK_DEAD_LETTER, letter_id)


async def set_replayed(tx: Tx, letter_id: str) -> None:
    await tx.execute(SET_REPLAYED, letter_id, tx.now)


async def set_dead_letter_detail(tx: Tx, letter_id: str, reason: Reason, detail: str) -> None:
    """Why it is refused now, which may be another reason than before."""
    await tx.execute(SET_DETAIL, letter_id, reason.value, detail)


async def forget_dead_letters(tx: Tx, *, older_than: datetime, per_car_park_max: int, all_max: int) -> int:
    """How many went."""
    ours = [reason.value for reason in OUR_FAULT]
    return await tx.execute(FORGET_DEAD_LETTERS, older_than, per_car_park_max, all_max, ours)
