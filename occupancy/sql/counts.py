"""Counts and passages into history, and the newest counts into state, which passages go on from."""

from collections.abc import Sequence
from datetime import datetime

from contracts.facts import CountSeen, PassageSeen
from contracts.ids import CarParkId
from kernel.db import Row, Tx

INSERT_COUNTS = """
INSERT INTO occupancy.count_event
    (car_park, zone, at, epoch, seq, occupied, capacity, out_of_service, entered, left_, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[], $6::int[], $7::int[],
                     $8::int[], $9::bigint[], $10::bigint[], $11::timestamptz[])
ON CONFLICT DO NOTHING RETURNING car_park, zone, at, epoch, seq, occupied, capacity, out_of_service
"""

COUNT_STATES = """
SELECT car_park, zone, occupied, capacity, at, epoch, seq, out_of_service
FROM occupancy.count_state WHERE car_park = ANY($1::text[])
"""

PUT_COUNT_STATES = """
INSERT INTO occupancy.count_state AS kept
    (car_park, zone, occupied, capacity, out_of_service, at, epoch, seq, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::timestamptz[], $7::text[],
                     $8::bigint[], $9::timestamptz[])
ON CONFLICT (car_park, zone) DO UPDATE SET
    occupied = excluded.occupied, capacity = excluded.capacity, out_of_service = excluded.out_of_service,
    at = excluded.at, epoch = excluded.epoch, seq = excluded.seq, received_at = excluded.received_at
WHERE (excluded.at, excluded.epoch, excluded.seq, excluded.occupied, excluded.capacity, excluded.out_of_service)
    > (kept.at, kept.epoch, kept.seq, kept.occupied, kept.capacity, kept.out_of_service)
"""

INSERT_PASSAGES = """
INSERT INTO occupancy.passage
    (car_park, id, lane, direction, plate, color, vehicle_class, confidence, image, ticket, at, received_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::real[],
                     $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])
ON CONFLICT DO NOTHING RETURNING car_park, id
"""

NET_PASSAGES_AFTER = """
SELECT asked.car_park, coalesce(sum(CASE passage.direction WHEN 'entry' THEN 1 WHEN 'exit' THEN -1 END), 0)::int AS net
FROM unnest($1::text[], $2::timestamptz[]) AS asked (car_park, after)
LEFT JOIN occupancy.passage ON passage.car_park = asked.car_park AND passage.at > asked.after
GROUP BY asked.car_park
"""
"""Entries minus exits after a count, which replaces all that was counted before it."""


async def insert_counts(tx: Tx, counts: Sequence[CountSeen]) -> list[Row]:
    return await tx.fetch(
        INSERT_COUNTS,
        [count.car_park for count in counts],
        [count.zone for count in counts],
        [count.told_at or count.at for count in counts],
        [count.epoch for count in counts],
        [count.seq for count in counts],
        [count.occupied for count in counts],
        [count.capacity for count in counts],
        [count.out_of_service for count in counts],
        [count.entered for count in counts],
        [count.left for count in counts],
        [count.received_at for count in counts],
    )


async def count_states(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    return await tx.fetch(COUNT_STATES, car_parks)


async def put_count_states(tx: Tx, newest: Sequence[CountSeen]) -> None:
    if not newest:
        return
    await tx.execute(
        PUT_COUNT_STATES,
        [count.car_park for count in newest],
        [count.zone for count in newest],
        [count.occupied for count in newest],
        [count.capacity for count in newest],
        [count.out_of_service for count in newest],
        [count.at for count in newest],
        [count.epoch for count in newest],
        [count.seq for count in newest],
        [count.received_at for count in newest],
    )


async def insert_passages(tx: Tx, passages: Sequence[PassageSeen]) -> list[Row]:
    return await tx.fetch(
        INSERT_PASSAGES,
        [passage.car_park for passage in passages],
        [passage.id for passage in passages],
        [passage.lane for passage in passages],
        [passage.direction for passage in passages],
        [passage.plate for passage in passages],
        [passage.color for passage in passages],
        [passage.vehicle_class for passage in passages],
        [passage.confidence for passage in passages],
        [passage.image for passage in passages],
        [passage.ticket for passage in passages],
        [passage.at for passage in passages],
        [passage.received_at for passage in passages],
    )


async def net_passages_after(tx: Tx, after: Sequence[tuple[CarParkId, datetime]]) -> dict[CarParkId, int]:
    if not after:
        return {}
    rows = await tx.fetch(NET_PASSAGES_AFTER, [car_park for car_park, _ in after], [at for _, at in after])
    return {CarParkId(row["car_park"]): row["net"] for row in rows}
