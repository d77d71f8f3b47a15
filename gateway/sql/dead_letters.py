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
                                         message_sha256, events, booked, codec, devices, first_seen_at, last_seen_at,
                                         count)
SELECT id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
       message_sha256, events, booked, codec, string_to_array(devices, '/'), seen_at, seen_at, count
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::integer[],
            $9::text[], $10::text[], $11::integer[], $12::boolean[], $13::timestamptz[], $14::bigint[], $15::text[],
            $16::text[])
    AS new (id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
            message_sha256, events, booked, seen_at, count, codec, devices)
ON CONFLICT ON CONSTRAINT dead_letter_same DO UPDATE
SET count = CASE WHEN kept.replayed_at IS NULL THEN kept.count ELSE 0 END + EXCLUDED.count,
    operator = coalesce(EXCLUDED.operator, kept.operator), car_park = coalesce(EXCLUDED.car_park, kept.car_park),
    booked = EXCLUDED.booked, message_sha256 = EXCLUDED.message_sha256,
    last_seen_at = greatest(kept.last_seen_at, EXCLUDED.last_seen_at),
    detail = EXCLUDED.detail, codec = EXCLUDED.codec, replayed_at = NULL
"""

# Whose it is: what named no operator is of the device that it speaks for, once one is registered.
_OWNED = """
FROM gateway.dead_letter AS letter
LEFT JOIN LATERAL (
    SELECT device.operator, device.car_park FROM registry.device_directory AS device
    WHERE letter.operator IS NULL AND registry.heard_as(device.id) = ANY (letter.devices)
    ORDER BY array_position(letter.devices, registry.heard_as(device.id)) LIMIT 1
) AS known ON true
"""

# One page of what was refused, newest first; the cursor is (last_seen_at, id) of the last one seen.
PAGE_OF_DEAD_LETTERS = f"""
SELECT id, coalesce(letter.operator, known.operator) AS operator, coalesce(letter.car_park, known.car_park) AS car_park,
       topic, reason, detail, payload, payload_bytes, sha256, message_sha256, events, codec,
       first_seen_at, last_seen_at, count, replayed_at
{_OWNED}
WHERE ($1::text[] IS NULL OR coalesce(letter.operator, known.operator) = ANY ($1))
  AND ($2::text IS NULL OR coalesce(letter.car_park, known.car_park) = $2)
  AND ($3::text IS NULL OR reason = $3)
  AND ($4 OR replayed_at IS NULL)
  AND ($5::timestamptz IS NULL OR (last_seen_at, id) < ($5, $6::text))
ORDER BY last_seen_at DESC, id DESC
LIMIT $7
"""

LOCK_DEAD_LETTER = f"""
SELECT coalesce(letter.operator, known.operator) AS operator, coalesce(letter.car_park, known.car_park) AS car_park,
       topic, reason, payload, payload_bytes, events, booked, count, first_seen_at, replayed_at
{_OWNED}
WHERE id = $1 AND ($2::text[] IS NULL OR coalesce(letter.operator, known.operator) = ANY ($2)) FOR UPDATE OF letter
"""

SET_REPLAYED = "UPDATE gateway.dead_letter SET replayed_at = $2, operator = $3, car_park = $4 WHERE id = $1"

# The key holds the reason: where the new one is taken by another row, this row keeps its own.
SET_DETAIL = """
UPDATE gateway.dead_letter AS kept SET reason = $2, detail = $3
WHERE id = $1 AND NOT EXISTS (
    SELECT FROM gateway.dead_letter AS other
    WHERE other.topic = kept.topic AND other.reason = $2 AND other.sha256 = kept.sha256 AND other.id <> kept.id)
"""

# By age; and per car park and in all the newest stay, but not at the cost of what we ourselves failed to store ($4),
# which has a limit of its own ($5).
FORGET_DEAD_LETTERS = """
WITH gone AS (
    DELETE FROM gateway.dead_letter WHERE last_seen_at < $1 OR id IN (
        SELECT id FROM (
            SELECT id, ours, row_number() OVER (PARTITION BY ours, operator, car_park ORDER BY last_seen_at DESC, id)
                       AS of_car_park,
                   row_number() OVER (PARTITION BY ours ORDER BY last_seen_at DESC, id) AS of_all
            FROM (SELECT *, reason = ANY ($4::text[]) AS ours FROM gateway.dead_letter) AS letter
        ) AS ranked WHERE CASE WHEN ours THEN of_car_park > $5 ELSE of_car_park > $2 OR of_all > $3 END)
    RETURNING last_seen_at, reason)
SELECT count(*) FILTER (WHERE last_seen_at < $1) AS aged,
       count(*) FILTER (WHERE last_seen_at >= $1 AND reason <> ALL ($4)) AS crowded_out,
       count(*) FILTER (WHERE last_seen_at >= $1 AND reason = ANY ($4)) AS ours_crowded_out
FROM gone
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
        ["/".join(letter.devices) for letter, _ in ordered],
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


async def lock_dead_letter(tx: Tx, letter_id: str, operators: Sequence[str] | None) -> Row | None:
    """What a replay needs of one of `operators` (None = every one); nobody else replays it meanwhile."""
    return await tx.fetchrow(LOCK_DEAD_LETTER, letter_id, operators)


async def set_replayed(tx: Tx, letter_id: str, operator: str | None, car_park: str | None) -> None:
    """It stays with whoever it was of then."""
    await tx.execute(SET_REPLAYED, letter_id, tx.now, operator, car_park)


async def set_dead_letter_detail(tx: Tx, letter_id: str, reason: Reason, detail: str) -> None:
    """Why it is refused now, which may be another reason than before."""
    await tx.execute(SET_DETAIL, letter_id, reason.value, detail)


async def forget_dead_letters(
    tx: Tx, *, older_than: datetime, per_car_park_max: int, all_max: int, ours_per_car_park_max: int
) -> Row:
    """How many went, by why: `aged`, `crowded_out`, `ours_crowded_out`."""
    ours = [reason.value for reason in OUR_FAULT]
    row = await tx.fetchrow(FORGET_DEAD_LETTERS, older_than, per_car_park_max, all_max, ours, ours_per_car_park_max)
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
