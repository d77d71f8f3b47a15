"""Facts into history, and the newest of them into state. Rows go in by array, columns side by side."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime

from contracts.facts import CountSeen, PassageSeen, SpaceSeen, StatusSeen
from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.compare import SpaceOrder
from occupancy.timeline import Sample

INSERT_SPACE_EVENTS = """
INSERT INTO occupancy.space_event (at, space, epoch, seq, state, battery, received_at)
SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::real[], $7::timestamptz[])
ON CONFLICT DO NOTHING RETURNING at, space, epoch, seq, state
"""
"""Each event once: what the key refuses was told before and is not returned."""

KEEP_NEWS = """
WITH said AS (SELECT * FROM unnest($1::occupancy.space_word[])),
kept AS (
    INSERT INTO occupancy.space_event (at, space, epoch, seq, state, battery, received_at)
    SELECT at, space, epoch, seq, state, battery, received_at FROM said
),
first AS (
    INSERT INTO occupancy.space_state (space, car_park, state, at, epoch, seq, battery, received_at)
    SELECT space, car_park, state, at, epoch, seq, battery, received_at FROM said WHERE moves
)
UPDATE occupancy.space_state AS now SET
    car_park = said.car_park, state = said.state, at = said.at, epoch = said.epoch, seq = said.seq,
    battery = coalesce(said.battery, now.battery), received_at = said.received_at
FROM said WHERE NOT said.moves AND now.space = said.space
    AND (said.at, said.epoch, said.seq, said.state) > (now.at, now.epoch, now.seq, now.state)
"""
"""History and state at once, for events that are newer than the state: half of what the two cost one by one."""

SPACE_STATES = "SELECT space, at, epoch, seq, state FROM occupancy.space_state WHERE space = ANY($1::int[])"

PUT_SPACE_STATES = """
INSERT INTO occupancy.space_state AS kept (space, car_park, state, at, epoch, seq, battery, received_at)
SELECT * FROM unnest(
    $1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[], $7::real[], $8::timestamptz[])
ON CONFLICT (space) DO UPDATE SET
    car_park = excluded.car_park, state = excluded.state, at = excluded.at, epoch = excluded.epoch, seq = excluded.seq,
    battery = coalesce(excluded.battery, kept.battery), received_at = excluded.received_at
WHERE (excluded.at, excluded.epoch, excluded.seq, excluded.state) > (kept.at, kept.epoch, kept.seq, kept.state)
"""
"""The state moves forward only, whoever asks."""

ZONE_OF_SPACES = "SELECT number, zone FROM registry.space_directory WHERE number = ANY($1::int[]) AND zone IS NOT NULL"

ZONE_SUMS = """
SELECT space.car_park, space.zone, told.state, count(*) AS spaces, max(told.at) AS at
FROM registry.space_directory AS space JOIN occupancy.space_now AS told ON told.space = space.number
WHERE space.car_park = ANY($1::text[]) AND space.zone IS NOT NULL
GROUP BY space.car_park, space.zone, told.state
"""

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

INSERT_ONLINE_EVENTS = """
INSERT INTO occupancy.online_event (car_park, at, online, software, received_at)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bool[], $4::text[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING car_park, at, online
"""


async def keep_news(tx: Tx, news: Sequence[SpaceSeen], newest: Mapping[int, SpaceSeen], known: Container[int]) -> None:
    """Events newer than the state of their space go into history; `newest` of each space become its state.

    `known`: the spaces that have a state. Of an event that was told before, the key of history refuses all of `news`.
    """
    await tx.execute(
        KEEP_NEWS,
        [
            (
                event.space,
                event.car_park,
                event.state,
                event.at,
                event.epoch,
                event.seq,
                event.battery,
                event.received_at,
                event.space not in known if newest[event.space] is event else None,
            )
            for event in news
        ],
    )


async def insert_space_events(tx: Tx, events: Sequence[SpaceSeen]) -> list[Row]:
    return await tx.fetch(
        INSERT_SPACE_EVENTS,
        [event.told_at or event.at for event in events],
        [event.space for event in events],
        [event.epoch for event in events],
        [event.seq for event in events],
        [event.state for event in events],
        [event.battery for event in events],
        [event.received_at for event in events],
    )


async def space_orders(tx: Tx, spaces: Sequence[int]) -> dict[int, SpaceOrder]:
    """Where each of `spaces` stands in the order of truth; those never heard of are missing."""
    if not spaces:
        return {}
    rows = await tx.fetch(SPACE_STATES, spaces)
    return {space: (at, epoch, seq, state) for space, at, epoch, seq, state in rows}


async def put_space_states(tx: Tx, newest: Sequence[SpaceSeen]) -> None:
    if not newest:
        return
    await tx.execute(
        PUT_SPACE_STATES,
        [event.space for event in newest],
        [event.car_park for event in newest],
        [event.state for event in newest],
        [event.at for event in newest],
        [event.epoch for event in newest],
        [event.seq for event in newest],
        [event.battery for event in newest],
        [event.received_at for event in newest],
    )


async def zone_of_spaces(tx: Tx, spaces: Sequence[int]) -> dict[int, str]:
    if not spaces:
        return {}
    return {row["number"]: row["zone"] for row in await tx.fetch(ZONE_OF_SPACES, spaces)}


async def zone_sums(tx: Tx, car_parks: Sequence[CarParkId]) -> list[Row]:
    return await tx.fetch(ZONE_SUMS, car_parks)


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


async def insert_online_events(tx: Tx, statuses: Sequence[StatusSeen]) -> list[Row]:
    return await tx.fetch(
        INSERT_ONLINE_EVENTS,
        [status.car_park for status in statuses],
        [status.told_at or status.at for status in statuses],
        [status.online for status in statuses],
        [status.software for status in statuses],
        [status.received_at for status in statuses],
    )


async def insert_samples(tx: Tx, samples: Sequence[tuple[CarParkId, Sample]]) -> None:
    if not samples:
        return
    await tx.copy_records(
        "sample",
        schema="occupancy",
        columns=("car_park", "at", "occupied", "capacity", "out_of_service", "source"),
        records=[
            (car_park, sample.at, sample.occupied, sample.capacity, sample.out_of_service, sample.source)
            for car_park, sample in samples
        ],
    )
