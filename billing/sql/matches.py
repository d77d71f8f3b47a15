"""Exits without an entry, and vehicles inside whose plates look like theirs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from billing.confusable import Exit, Inside, resembling
from kernel.db import Row, Tx

AROUND: Final = timedelta(days=31)
"""A match is put in question by what becomes known of its vehicles within this time."""


class Orphan(Struct, frozen=True, kw_only=True):
    """A session of which only the exit is known, and who may be meant."""

    session: str
    car_park: str
    passage: str
    left: Exit
    inside: list[Inside]


ORPHANS: Final = """
    SELECT session.id, session.car_park, session.zone, session.plate, session.color, session.exit_at,
        session.exit_passage, one.confidence,
        EXISTS (
            SELECT FROM billing.passage AS own
            WHERE own.car_park = session.car_park AND own.plate = session.plate AND own.id <> session.exit_passage
                AND own.at < session.exit_at - interval '1 hour' AND NOT own.is_void
        ) AS is_known
    FROM billing.session
    JOIN billing.passage AS one ON (one.car_park, one.id) = (session.car_park, session.exit_passage)
    WHERE session.id = ANY ($1) AND session.state = 'orphan_exit' AND session.plate IS NOT NULL
"""

INSIDE: Final = """
    -- `others`: exits without an entry of a plate that looks like this one's, that came while it was inside.
    SELECT asked.orphan, session.id, session.plate, session.color, session.entry_at, came.confidence,
        (
            SELECT count(*) FROM billing.session AS other
            WHERE other.car_park = session.car_park AND other.plate = ANY (asked.alike) AND other.state = 'orphan_exit'
                AND other.exit_at > session.entry_at AND other.id <> asked.orphan
        ) AS others
    FROM jsonb_to_recordset($1) AS asked (orphan text, car_park text, zone text, alike text[], at timestamptz)
    JOIN billing.session ON session.car_park = asked.car_park AND session.plate = ANY (asked.alike)
        AND session.zone = asked.zone AND session.state IN ('open', 'suspect') AND session.exit_passage IS NULL
        AND session.entry_at < asked.at
    JOIN billing.passage AS came ON (came.car_park, came.id) = (session.car_park, session.entry_passage)
    WHERE NOT EXISTS (
        SELECT FROM billing.passage AS own
        WHERE own.car_park = session.car_park AND own.plate = session.plate
            AND own.color IS NOT DISTINCT FROM session.color AND own.zone = session.zone
            AND own.at > session.entry_at + interval '1 minute' AND own.at <= asked.at AND NOT own.is_void
    )
    ORDER BY session.id
"""


async def orphans(tx: Tx, sessions: Sequence[str]) -> list[Orphan]:
    """Those of `sessions` that are exits without an entry, each with the vehicles inside that may be meant."""
    rows = await tx.fetch(ORPHANS, list(sessions)) if sessions else []
    if not rows:
        return []
    asked = [
        {
            "orphan": row["id"],
            "car_park": row["car_park"],
            "zone": row["zone"],
            "alike": [row["plate"], *sorted(resembling(row["plate"]))],
            "at": row["exit_at"],
        }
        for row in rows
    ]
    inside: dict[str, list[Inside]] = {row["id"]: [] for row in rows}
    for row in await tx.fetch(INSIDE, asked):
        came = Inside(
            session=row["id"],
            plate=row["plate"],
            color=row["color"],
            entry_at=row["entry_at"],
            confidence=row["confidence"],
            others=row["others"],
        )
        inside[row["orphan"]].append(came)
    return [_orphan(row, inside[row["id"]]) for row in rows]


def _orphan(row: Row, inside: list[Inside]) -> Orphan:
    left = Exit(
        plate=row["plate"],
        color=row["color"],
        at=row["exit_at"],
        confidence=row["confidence"],
        is_known=row["is_known"],
    )
    return Orphan(session=row["id"], car_park=row["car_park"], passage=row["exit_passage"], left=left, inside=inside)


_STANDS: Final = """
    NOT EXISTS (
        SELECT FROM billing.passage AS last WHERE (last.car_park, last.supersedes) = (better.car_park, better.id)
    )
"""
MATCHED: Final = f"""
    -- `given`, `taken`: the direction of a passage of the plate that was given to another one, of another's that was
    -- taken for the plate's.
    SELECT better.* FROM jsonb_to_recordset($1)
        AS asked (car_park text, plate text, since timestamptz, until timestamptz, given text, taken text)
    JOIN billing.passage AS told ON told.car_park = asked.car_park AND told.plate = asked.plate
        AND told.at > asked.since AND told.at < asked.until AND told.direction = asked.given
    JOIN billing.passage AS better ON (better.car_park, better.supersedes) = (told.car_park, told.id)
    WHERE better.made_by = $2 AND better.plate <> told.plate AND {_STANDS}
    UNION
    SELECT better.* FROM jsonb_to_recordset($1)
        AS asked (car_park text, plate text, since timestamptz, until timestamptz, given text, taken text)
    JOIN billing.passage AS better ON better.car_park = asked.car_park AND better.plate = asked.plate
        AND better.at > asked.since AND better.at < asked.until AND better.direction = asked.taken
    JOIN billing.passage AS told ON (told.car_park, told.id) = (better.car_park, better.supersedes)
    WHERE better.made_by = $2 AND better.plate <> told.plate AND {_STANDS}
"""


async def questioned(tx: Tx, came: Sequence[Row], left: Sequence[Row], *, made_by: str) -> list[Row]:
    """Matches that these sessions speak against. `came`: no exit is known of them, so theirs may have been given to
    another vehicle, or another entry taken for theirs. `left`: exits without an entry, the other way round.
    """
    asked = [
        {
            "car_park": row["car_park"],
            "plate": row["plate"],
            "since": row["entry_at"],
            "until": row["entry_at"] + AROUND,
            "given": "exit",
            "taken": "entry",
        }
        for row in came
    ]
    asked += [
        {
            "car_park": row["car_park"],
            "plate": row["plate"],
            "since": row["exit_at"] - AROUND,
            "until": row["exit_at"],
            "given": "entry",
            "taken": "exit",
        }
        for row in left
    ]
    return await tx.fetch(MATCHED, asked, made_by) if asked else []


ALIKE: Final = """
    SELECT session.id FROM jsonb_to_recordset($1) AS came (car_park text, zone text, alike text[], at timestamptz)
    JOIN billing.session ON session.car_park = came.car_park AND session.plate = ANY (came.alike)
        AND session.zone = came.zone AND session.state = 'orphan_exit' AND session.exit_at > came.at
    ORDER BY session.id
"""


async def orphans_like(tx: Tx, came: Sequence[Row]) -> list[str]:
    """Exits without an entry, after these open sessions began, of plates that look like theirs."""
    asked = [
        {
            "car_park": row["car_park"],
            "zone": row["zone"],
            "alike": sorted(resembling(row["plate"])),
            "at": row["entry_at"],
        }
        for row in came
    ]
    return [row["id"] for row in await tx.fetch(ALIKE, asked)] if asked else []
