"""Spaces in doubt, and the heartbeats by which silence is known."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import astuple

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.doubt import Flapping

OF_CAR_PARKS = "SELECT space, kind, shown FROM occupancy.space_doubt WHERE car_park = ANY($1::text[])"

END = "DELETE FROM occupancy.space_doubt WHERE space = ANY($1::int[])"

FLAP = """
INSERT INTO occupancy.space_doubt AS kept (space, car_park, kind, shown, flipped_at)
SELECT space, car_park, 'flapping', shown, $1
FROM unnest($2::int[], $3::text[], $4::text[]) AS new (space, car_park, shown)
ON CONFLICT (space) DO UPDATE SET flipped_at = excluded.flipped_at
"""

FLIPPED = """
UPDATE occupancy.space_doubt SET flipped_at = $1 WHERE space = ANY($2::int[]) AND kind = 'flapping'
"""

COUNT = """
UPDATE occupancy.car_park_state AS state SET doubted =
    (SELECT count(*) FROM occupancy.space_doubt AS doubt WHERE doubt.car_park = state.car_park)
WHERE car_park = ANY($1::text[]) RETURNING car_park, doubted
"""

QUIET = """
SELECT DISTINCT doubt.car_park FROM occupancy.space_doubt AS doubt
JOIN registry.car_park_revision AS known ON known.id = doubt.car_park
WHERE doubt.kind = 'flapping' AND doubt.flipped_at <= $1 AND known.operator = ANY($2::text[])
ORDER BY doubt.car_park
"""

SETTLE = """
DELETE FROM occupancy.space_doubt WHERE kind = 'flapping' AND flipped_at <= $1 AND car_park = ANY($2::text[])
RETURNING space
"""

HEARTBEATS = """
SELECT known.id AS car_park, coalesce(least(said.shortest_s, learned.learned_s), $2) AS shortest_s
FROM registry.car_park_revision AS known
LEFT JOIN registry.car_park_heartbeat AS said ON said.car_park = known.id
LEFT JOIN occupancy.heartbeat AS learned ON learned.car_park = known.id
WHERE known.operator = ANY($1::text[])
    AND EXISTS (SELECT FROM registry.space_directory AS space WHERE space.car_park = known.id)
"""

SILENT = """
FROM registry.space_heartbeat AS beat
JOIN occupancy.space_state AS state ON state.space = beat.number
LEFT JOIN occupancy.heartbeat AS learned ON learned.car_park = beat.car_park
LEFT JOIN occupancy.space_doubt AS doubt ON doubt.space = state.space
WHERE beat.car_park = ANY($1::text[]) AND state.state IN ('free', 'occupied') AND doubt.kind IS DISTINCT FROM 'silent'
    AND (greatest(state.received_at, $3) < $2::timestamptz - make_interval(
            secs => coalesce(beat.heartbeat_s * $4::float8, learned.learned_s * $5::float8, $6::float8))
        OR state.at < $2 - make_interval(secs => $6))
"""
"""Whom we could have heard, and did not; without a heartbeat, said or learned, for $6 s. And whose newest word, however
late it came, is of so long ago."""

FIND_SILENT = f"SELECT DISTINCT beat.car_park {SILENT}"

MARK_SILENT = f"""
INSERT INTO occupancy.space_doubt (space, car_park, kind, shown)
SELECT state.space, beat.car_park, 'silent', 'unknown' {SILENT}
ON CONFLICT (space) DO UPDATE SET kind = excluded.kind, shown = excluded.shown, flipped_at = NULL
RETURNING space
"""

LOOK = """
INSERT INTO occupancy.heartbeat AS kept (car_park, watched_from, looks, silence_s_max)
SELECT space.car_park, $1::timestamptz, 1, percentile_cont(0.95) WITHIN GROUP (
    ORDER BY extract(epoch FROM $1 - state.received_at)::float8)
FROM registry.space_directory AS space JOIN occupancy.space_state AS state ON state.space = space.number
GROUP BY space.car_park
ON CONFLICT (car_park) DO UPDATE SET
    looks = CASE WHEN kept.watched_from > $1 - $2::interval THEN kept.looks + 1 ELSE 1 END,
    silence_s_max = CASE WHEN kept.watched_from > $1 - $2::interval
        THEN greatest(kept.silence_s_max, excluded.silence_s_max) ELSE excluded.silence_s_max END,
    watched_from = CASE WHEN kept.watched_from > $1 - $2::interval THEN kept.watched_from ELSE $1 END,
    learned_s = CASE WHEN kept.watched_from > $1 - $2::interval THEN kept.learned_s
                     WHEN kept.looks >= $3 AND kept.silence_s_max <= $4 THEN greatest(kept.silence_s_max, 1) END
"""
"""How long nineteen of twenty sensors have been silent; the longest of a watch of $2 is the heartbeat."""


async def doubts_of(tx: Tx, car_parks: Collection[CarParkId]) -> list[Row]:
    return await tx.fetch(OF_CAR_PARKS, list(car_parks))


async def end_doubts(tx: Tx, spaces: Collection[int]) -> None:
    await tx.execute(END, sorted(spaces))


async def insert_flapping(tx: Tx, found: Sequence[Flapping]) -> None:
    await tx.execute(
        FLAP,
        tx.now,
        [one.space for one in found],
        [one.car_park for one in found],
        [one.stable for one in found],
    )


async def note_flips(tx: Tx, spaces: Collection[int]) -> None:
    await tx.execute(FLIPPED, tx.now, sorted(spaces))


async def count_doubts(tx: Tx, car_parks: Collection[CarParkId]) -> dict[CarParkId, int]:
    """How many spaces of each are in doubt; their rows are locked and say so, too."""
    rows = await tx.fetch(COUNT, list(car_parks))
    return {CarParkId(row["car_park"]): row["doubted"] for row in rows}


async def car_parks_gone_quiet(tx: Tx, before: datetime, operators: Sequence[str]) -> list[CarParkId]:
    return [CarParkId(row["car_park"]) for row in await tx.fetch(QUIET, before, operators)]


async def settle(tx: Tx, before: datetime, car_parks: Sequence[CarParkId]) -> list[int]:
    """End the doubt about spaces that flapped and have not changed since `before`; which."""
    return [row["space"] for row in await tx.fetch(SETTLE, before, car_parks)]


async def heartbeats(tx: Tx, operators: Sequence[str], *, otherwise_s: float) -> dict[CarParkId, float]:
    """The shortest heartbeat of each car park that has numbered spaces, in seconds."""
    rows = await tx.fetch(HEARTBEATS, operators, otherwise_s)
    return {CarParkId(row["car_park"]): row["shortest_s"] for row in rows}


class Patience(Struct, frozen=True):
    """How long a sensor may be silent: so many of its heartbeats, of learned ones, or else so many seconds."""

    missed: float
    missed_learned: float
    otherwise_s: float


async def find_silent(
    tx: Tx, car_parks: Sequence[CarParkId], listening_since: datetime, patience: Patience
) -> list[CarParkId]:
    """Those of `car_parks` with spaces that have become silent."""
    rows = await tx.fetch(FIND_SILENT, car_parks, tx.now, listening_since, *astuple(patience))
    return sorted(CarParkId(row["car_park"]) for row in rows)


async def mark_silent(tx: Tx, car_parks: Sequence[CarParkId], listening_since: datetime, patience: Patience) -> int:
    """Put the silent spaces of locked car parks in doubt; how many."""
    return len(await tx.fetch(MARK_SILENT, car_parks, tx.now, listening_since, *astuple(patience)))


async def look_at_silence(tx: Tx, *, watch: timedelta, looks_min: int, heartbeat_s_max: float) -> None:
    """One look at everybody's silence, and what the watch that ends with it has taught."""
    await tx.execute(LOOK, tx.now, watch, looks_min, heartbeat_s_max)
