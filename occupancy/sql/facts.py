"""What is told of spaces and gateways into history, and the newest of it into state; `counts` does the rest.

Rows go in by array, columns side by side.
"""

from collections.abc import Container, Mapping, Sequence

from contracts.facts import SpaceSeen, StatusSeen
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

KEEP_NEWS = "SELECT occupancy.keep_news($1::occupancy.space_word[])"
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

INSERT_ONLINE_EVENTS = """
INSERT INTO occupancy.online_event (car_park, at, online, software, received_at)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bool[], $4::text[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING car_park, at, online
"""


async def keep_news(tx: Tx, news: Sequence[SpaceSeen], newest: Mapping[int, SpaceSeen], known: Container[int]) -> bool:
    """Events newer than the state of their space go into history; `newest` of each space become its state.

    `known`: the spaces that have a state. False when one was told before: then none of `news` was taken.
    """
    taken: bool = await tx.fetchval(
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
    return taken


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
