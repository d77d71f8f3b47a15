"""The car parks' rows: locked in one order, read, put back."""

from collections.abc import Mapping, Sequence
from typing import Final

from contracts.availability import CarParkState
from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.sources import Passages, SpaceSums
from occupancy.standing import Standing
from occupancy.timeline import Sample

LOCK = """
SELECT state.*, registry.revision AS registry_revision
FROM occupancy.car_park_state AS state CROSS JOIN registry.revision_now AS registry
WHERE car_park = ANY($1::text[]) ORDER BY car_park FOR NO KEY UPDATE OF state
"""
"""Always in the order of the id: two batches wait for each other, never in a circle."""

NOW = "SELECT * FROM occupancy.car_park_state WHERE $1::text[] IS NULL OR car_park = ANY($1)"

VERSIONS = """
SELECT state.car_park, state.version, known.id IS NOT NULL AS in_use
FROM occupancy.car_park_state AS state LEFT JOIN registry.car_park_revision AS known ON known.id = state.car_park
WHERE state.version > 0
"""
"""Light enough to be asked all the time."""

ADD = "INSERT INTO occupancy.car_park_state (car_park) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
"""A row to lock, for car parks that are heard of for the first time."""

_WRITTEN: Final = [
    "spaces_occupied",
    "spaces_free",
    "spaces_out",
    "spaces_unknown",
    "spaces_at",
    "passages_base",
    "passages_base_at",
    "passages_net",
    "passages_at",
    "online",
    "online_at",
    "occupied",
    "capacity",
    "out_of_service",
    "unknown",
    "source",
    "as_of",
    "sampled_at",
    "trend",
    "state",
    "stale",
    "told_as_of",
    "version",
    "doubted",
    "heard_at",
    "online_said_at",
    "noticed_at",
    "words",
    "jumps",
]
"""All but the key and `promised`, which is not occupancy's to say."""

PUT_PROMISED = """
UPDATE occupancy.car_park_state AS kept SET promised = new.promised
FROM unnest($1::text[], $2::int[]) AS new (car_park, promised) WHERE kept.car_park = new.car_park
"""

PUT = f"""
WITH sampled AS (
    INSERT INTO occupancy.sample (car_park, at, occupied, capacity, out_of_service, source)
    SELECT * FROM unnest($3::occupancy.sample_word[])
)
UPDATE occupancy.car_park_state AS kept SET {", ".join(f"{column} = new.{column}" for column in _WRITTEN)},
    never_heard = new.unnest
FROM unnest($1::occupancy.standing_word[], $2::int[]) AS new WHERE kept.car_park = new.car_park
"""
"""Whole rows, of a type of their own: they cost a third of an array for each column. What the type came too early for
stands beside it, under the name of the function.
"""


def standing_of(row: Row) -> Standing:
    """A row of the table in memory."""
    return Standing(
        car_park=CarParkId(row["car_park"]),
        spaces=SpaceSums(
            row["spaces_occupied"], row["spaces_free"], row["spaces_out"], row["spaces_unknown"], row["spaces_at"]
        ),
        passages=Passages(row["passages_base"], row["passages_base_at"], row["passages_net"], row["passages_at"]),
        online=row["online"],
        online_at=row["online_at"],
        occupied=row["occupied"],
        capacity=row["capacity"],
        out_of_service=row["out_of_service"],
        unknown=row["unknown"],
        source=row["source"],
        as_of=row["as_of"],
        sampled_at=row["sampled_at"],
        promised=row["promised"],
        trend=row["trend"],
        state=CarParkState(row["state"]),
        stale=row["stale"],
        told_as_of=row["told_as_of"],
        version=row["version"],
        doubted=row["doubted"],
        heard_at=row["heard_at"],
        online_said_at=row["online_said_at"],
        noticed_at=row["noticed_at"],
        words=row["words"],
        jumps=row["jumps"],
        never_heard=row["never_heard"],
    )


async def lock_standings(tx: Tx, car_parks: Sequence[CarParkId]) -> dict[CarParkId, Standing]:
    """The rows of `car_parks`, made where missing and locked until the transaction ends."""
    standings, _ = await lock_with_revision(tx, car_parks)
    return standings


async def lock_with_revision(tx: Tx, car_parks: Sequence[CarParkId]) -> tuple[dict[CarParkId, Standing], object]:
    """The same, and the registry's revision as `sql.registry_revision` reads it; None where `car_parks` is empty."""
    rows = await tx.fetch(LOCK, car_parks)
    if len(rows) < len(car_parks):
        await tx.execute(ADD, sorted(set(car_parks) - {row["car_park"] for row in rows}))
        rows = await tx.fetch(LOCK, car_parks)
    revision = rows[0]["registry_revision"] if rows else None
    return {CarParkId(row["car_park"]): standing_of(row) for row in rows}, revision


async def standings_now(tx: Tx, car_parks: Sequence[CarParkId] | None) -> list[Standing]:
    """The rows of `car_parks`, or of all, for reading only."""
    return [standing_of(row) for row in await tx.fetch(NOW, car_parks)]


async def versions(tx: Tx) -> tuple[dict[CarParkId, int], list[CarParkId]]:
    """The newest version of every car park that was told of and is in use, and those told of that are gone."""
    rows = await tx.fetch(VERSIONS)
    in_use = {CarParkId(row["car_park"]): row["version"] for row in rows if row["in_use"]}
    return in_use, [CarParkId(row["car_park"]) for row in rows if not row["in_use"]]


async def put_standings(
    tx: Tx, standings: Sequence[Standing], samples: Sequence[tuple[CarParkId, Sample]] = ()
) -> None:
    """Write locked rows back, each as a `standing_word` in its order, and `samples` beside them."""
    rows = [
        (
            standing.car_park,
            standing.spaces.occupied,
            standing.spaces.free,
            standing.spaces.out_of_service,
            standing.spaces.unknown,
            standing.spaces.at,
            standing.passages.base,
            standing.passages.base_at,
            standing.passages.net,
            standing.passages.at,
            standing.online,
            standing.online_at,
            standing.occupied,
            standing.capacity,
            standing.out_of_service,
            standing.unknown,
            standing.source,
            standing.as_of,
            standing.sampled_at,
            standing.trend,
            standing.state.value,
            standing.stale,
            standing.told_as_of,
            standing.version,
            standing.doubted,
            standing.heard_at,
            standing.online_said_at,
            standing.noticed_at,
            standing.words,
            standing.jumps,
        )
        for standing in standings
    ]
    await tx.execute(
        PUT,
        rows,
        [standing.never_heard for standing in standings],
        [
            (car_park, sample.at, sample.occupied, sample.capacity, sample.out_of_service, sample.source)
            for car_park, sample in samples
        ],
    )


async def put_promised(tx: Tx, promised: Mapping[CarParkId, int]) -> None:
    """Whose rows are locked."""
    await tx.execute(PUT_PROMISED, list(promised), list(promised.values()))
