"""How devices are: what they told of themselves, and what is read of it with their last words."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.facts import DeviceHeard
from contracts.ids import CarParkId
from kernel.db import Row, Tx

PUT_DEVICES = """
INSERT INTO occupancy.device_health AS kept
    (device, car_park, at, received_at, battery, battery_mv, battery_low, temperature_c, rssi, snr)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::real[], $6::int[],
                     $7::bool[], $8::real[], $9::real[], $10::real[])
ON CONFLICT (device) DO UPDATE SET
    car_park = excluded.car_park, at = excluded.at, received_at = excluded.received_at,
    battery = coalesce(excluded.battery, kept.battery), battery_mv = coalesce(excluded.battery_mv, kept.battery_mv),
    battery_low = coalesce(excluded.battery_low, kept.battery_low),
    temperature_c = coalesce(excluded.temperature_c, kept.temperature_c),
    rssi = coalesce(excluded.rssi, kept.rssi), snr = coalesce(excluded.snr, kept.snr)
WHERE excluded.at >= kept.at
"""
"""What came out of its order moves nothing back."""

SOURCES = """
WITH device AS (
    SELECT device.id AS device, device.profile, device.car_park, device.space, device.zone, card.operator
    FROM registry.device_directory AS device JOIN registry.car_park_card AS card ON card.id = device.car_park
    WHERE ($1::text[] IS NULL OR card.operator = ANY($1)) AND ($2::text IS NULL OR card.id = $2)
), space AS (
    SELECT space.number, space.car_park, space.label, space.zone, state.at, state.received_at, state.battery,
           beat.heartbeat_s
    FROM registry.space_directory AS space JOIN registry.car_park_card AS card ON card.id = space.car_park
    JOIN occupancy.space_state AS state ON state.space = space.number
    JOIN registry.space_heartbeat AS beat ON beat.number = space.number
    WHERE ($1::text[] IS NULL OR card.operator = ANY($1)) AND ($2::text IS NULL OR card.id = $2)
), source AS (
    SELECT 'device/' || device.device AS source, device.car_park, device.device, device.profile, device.space,
           coalesce(device.zone, space.zone) AS zone,
           last.received_at AS last_seen_at,
           last.received_at - last.at AS latency,
           coalesce(heard.battery, space.battery) AS battery, heard.battery_mv, heard.battery_low,
           heard.temperature_c, heard.rssi, heard.snr, space.number,
           CASE WHEN counter.car_park IS NULL THEN $3::float8 ELSE $4::float8 END AS silent_after_s,
           coalesce(space.heartbeat_s, beat.heartbeat_s) AS heartbeat_s
    FROM device
    LEFT JOIN occupancy.device_health AS heard USING (device)
    LEFT JOIN space ON space.car_park = device.car_park AND space.label = device.space
    LEFT JOIN occupancy.count_state AS counter
        ON counter.car_park = device.car_park AND device.space IS NULL AND counter.zone = coalesce(device.zone, '')
    LEFT JOIN registry.device_heartbeat AS beat ON beat.car_park = device.car_park
        AND beat.space IS NOT DISTINCT FROM device.space AND beat.zone IS NOT DISTINCT FROM device.zone
    LEFT JOIN LATERAL (
        SELECT word.at, word.received_at
        FROM (VALUES (heard.at, heard.received_at), (space.at, space.received_at), (counter.at, counter.received_at))
            AS word (at, received_at)
        WHERE word.received_at IS NOT NULL ORDER BY word.received_at DESC, word.at DESC LIMIT 1) AS last ON true
    UNION ALL
    SELECT 'sensor/' || space.label, space.car_park, NULL, NULL, space.label, space.zone, space.received_at,
           space.received_at - space.at, space.battery, NULL, NULL, NULL, NULL, NULL, space.number, $3::float8,
           space.heartbeat_s
    FROM space WHERE NOT EXISTS (
        SELECT FROM device WHERE device.car_park = space.car_park AND device.space = space.label)
    UNION ALL
    SELECT 'counter/' || counter.zone, counter.car_park, NULL, NULL, NULL, nullif(counter.zone, ''),
           counter.received_at, counter.received_at - counter.at, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           $4::float8, NULL
    FROM occupancy.count_state AS counter JOIN registry.car_park_card AS card ON card.id = counter.car_park
    WHERE ($1::text[] IS NULL OR card.operator = ANY($1)) AND ($2::text IS NULL OR card.id = $2) AND NOT EXISTS (
        SELECT FROM device
        WHERE device.car_park = counter.car_park AND device.space IS NULL AND coalesce(device.zone, '') = counter.zone)
), judged AS (
    SELECT source.*, CASE WHEN latency <= make_interval(secs => $4::float8) THEN extract(epoch FROM latency)::float8
                     END AS latency_s, doubt.kind AS doubt,
           doubt.kind IS NOT DISTINCT FROM 'silent' OR last_seen_at IS NULL
               OR last_seen_at < $5::timestamptz - make_interval(
                   secs => coalesce(heartbeat_s * $6::float8, silent_after_s)) AS silent,
           coalesce(battery < $7::float8, false) OR coalesce(battery_low, false) AS low
    FROM source LEFT JOIN occupancy.space_doubt AS doubt ON doubt.space = source.number)
"""
"""Everything that reports of the car parks ($2, null: all) of operators ($1, null: all): registered devices, and the
sensors and counters that speak without being registered. Silent after $6 heartbeats, without one after $3 s (a counter:
$4 s); its battery is low under $7, or when it says so. A last word that was no news any more when it came
($4 s: a device had kept it) says nothing of the latency."""

PAGE = f"""{SOURCES}
SELECT source, device, profile, space, zone, last_seen_at, latency_s, battery::numeric::float8 AS battery, battery_mv,
       battery_low, temperature_c::numeric::float8 AS temperature_c, rssi::numeric::float8 AS rssi,
       snr::numeric::float8 AS snr, doubt, silent
FROM judged
WHERE ($8::bool IS NULL OR silent = $8) AND ($9 OR low) AND source COLLATE "C" > $10
ORDER BY source COLLATE "C" LIMIT $11
"""

COUNTS = f"""{SOURCES}
SELECT count(*) AS sources, count(*) FILTER (WHERE silent) AS silent, count(*) FILTER (WHERE low) AS low FROM judged
"""

LOW_BATTERY = 0.2
"""A fifth: a radio sensor has a year or so left, time enough to come by."""


@dataclass(frozen=True, slots=True)
class Judging:
    """When a source is silent: `heartbeats_missed` of its heartbeats; without one, after so many seconds."""

    heartbeats_missed: float
    sensor_silent_s: float
    counter_silent_s: float


async def put_devices(tx: Tx, heard: Sequence[DeviceHeard]) -> None:
    """At most one of each device, in their order: two batches never wait in a circle."""
    await tx.execute(
        PUT_DEVICES,
        [one.device for one in heard],
        [one.car_park for one in heard],
        [one.at for one in heard],
        [one.received_at for one in heard],
        [one.battery for one in heard],
        [one.battery_mv for one in heard],
        [one.battery_low for one in heard],
        [one.temperature_c for one in heard],
        [one.rssi for one in heard],
        [one.snr for one in heard],
    )


async def page_of_sources(
    tx: Tx,
    operators: Sequence[str] | None,
    car_park: CarParkId,
    judging: Judging,
    *,
    silent: bool | None,
    battery_below: float | None,
    after: str,
    limit: int,
) -> list[Row]:
    """What reports of a car park of `operators`, in the order of `source`."""
    below = LOW_BATTERY if battery_below is None else battery_below
    return await tx.fetch(
        PAGE, *_judged(tx, operators, car_park, judging, below), silent, battery_below is None, after, limit
    )


async def count_sources(
    tx: Tx, operators: Sequence[str] | None, car_park: CarParkId | None, judging: Judging
) -> Row | None:
    """How many `sources` there are, and how many of them are `silent` or `low` on battery."""
    return await tx.fetchrow(COUNTS, *_judged(tx, operators, car_park, judging, LOW_BATTERY))


def _judged(
    tx: Tx, operators: Sequence[str] | None, car_park: CarParkId | None, judging: Judging, battery_below: float
) -> tuple[object, ...]:
    silent_after = (judging.sensor_silent_s, judging.counter_silent_s)
    return operators, car_park, *silent_after, tx.now, judging.heartbeats_missed, battery_below
