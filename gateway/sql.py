"""Every statement of the gateway. It owns the schema `gateway` and reads the registry's published views."""

from collections.abc import Sequence

from contracts.ids import CarParkId
from gateway.dead_letters import CODEC, DeadLetter
from kernel.db import Row, Tx
from kernel.ids import new_id

REVISION = "SELECT revision FROM registry.revision_now"

CAR_PARK_REVISIONS = "SELECT id, operator, capacity, revision FROM registry.car_park_revision"

SPACES_OF = "SELECT car_park, label, number FROM registry.space_directory WHERE car_park = ANY($1)"

ZONES_OF = "SELECT car_park, label, capacity FROM registry.zone_directory WHERE car_park = ANY($1)"

LANES_OF = "SELECT car_park, label FROM registry.lane_directory WHERE car_park = ANY($1)"

# Seen again: the same refusal counts up, and is open again if it had been replayed.
ADD_DEAD_LETTERS = """
INSERT INTO gateway.dead_letter AS kept (id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
                                         events, codec, first_seen_at, last_seen_at, count)
SELECT id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256,
       events, $13, seen_at, seen_at, count
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::integer[],
            $9::text[], $10::integer[], $11::timestamptz[], $12::bigint[])
    AS new (id, operator, car_park, topic, reason, detail, payload, payload_bytes, sha256, events, seen_at, count)
ON CONFLICT ON CONSTRAINT dead_letter_same DO UPDATE
SET count = kept.count + EXCLUDED.count, last_seen_at = greatest(kept.last_seen_at, EXCLUDED.last_seen_at),
    detail = EXCLUDED.detail, replayed_at = NULL
"""

ADD_TALLIES = """
INSERT INTO gateway.tally AS kept (car_park, received, stored, duplicate, late, dead, last_received_at)
SELECT car_park, stored + duplicate + late + dead, stored, duplicate, late, dead, $6
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS new (car_park, stored, duplicate, late, dead)
ON CONFLICT ON CONSTRAINT tally_key DO UPDATE
SET received = kept.received + EXCLUDED.received, stored = kept.stored + EXCLUDED.stored,
    duplicate = kept.duplicate + EXCLUDED.duplicate, late = kept.late + EXCLUDED.late,
    dead = kept.dead + EXCLUDED.dead, last_received_at = greatest(kept.last_received_at, EXCLUDED.last_received_at)
"""


async def registry_revision(tx: Tx) -> int:
    """Grows with every change of the registry."""
    revision: int = await tx.fetchval(REVISION)
    return revision


async def car_park_revisions(tx: Tx) -> list[Row]:
    """`id, operator, capacity, revision` of every car park."""
    return await tx.fetch(CAR_PARK_REVISIONS)


async def spaces_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label, number`."""
    return await tx.fetch(SPACES_OF, car_parks)


async def zones_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label, capacity`."""
    return await tx.fetch(ZONES_OF, car_parks)


async def lanes_of(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    """`car_park, label`."""
    return await tx.fetch(LANES_OF, car_parks)


async def add_dead_letters(tx: Tx, letters: Sequence[DeadLetter]) -> None:
    """Keep `letters`, repeats as a count; in the order of their key, so that two gateways never wait in a circle."""
    folded: dict[tuple[str, str, str], tuple[DeadLetter, int]] = {}
    for letter in letters:
        key = (letter.topic, letter.reason, letter.sha256)
        folded[key] = (letter, folded[key][1] + 1 if key in folded else 1)
    ordered = [folded[key] for key in sorted(folded)]
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
        [letter.events for letter, _ in ordered],
        [letter.seen_at for letter, _ in ordered],
        [count for _, count in ordered],
        CODEC,
    )


async def add_tallies(tx: Tx, tallies: Sequence[tuple[CarParkId, int, int, int, int]]) -> None:
    """`(car_park, stored, duplicate, late, dead)` each, in the order of the car parks."""
    ordered = sorted(tallies)
    columns: list[list[object]] = [list(column) for column in zip(*ordered, strict=True)]
    await tx.execute(ADD_TALLIES, *columns, tx.now)
