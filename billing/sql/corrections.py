"""Passages are put right by rows that take their place; nothing of what was told is changed."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from billing.sql.passages import ZONE
from kernel.db import Row, Tx
from kernel.ids import new_id

LOCK_STANDING: Final = """
    -- What stands in place of the passage `$2`, itself or what put it right; NULL where it is void.
    WITH RECURSIVE line (id) AS (
        SELECT id FROM billing.passage WHERE car_park = $1 AND id = $2
        UNION ALL
        SELECT better.id FROM billing.passage AS better
        JOIN line ON better.car_park = $1 AND better.supersedes = line.id
    )
    SELECT one.* FROM billing.passage AS one JOIN line ON one.car_park = $1 AND one.id = line.id
    WHERE NOT EXISTS (
        SELECT FROM billing.passage AS better WHERE (better.car_park, better.supersedes) = (one.car_park, one.id)
    )
"""


async def standing(tx: Tx, car_park: str, passage: str) -> Row | None:
    """What stands in place of `passage` now; `is_void`: nothing does. The car park is locked."""
    return await tx.fetchrow(LOCK_STANDING, car_park, passage)


PUT_RIGHT: Final = f"""
    INSERT INTO billing.passage (
        car_park, id, zone, lane, direction, plate, color, ticket, class, confidence, image, at, received_at,
        supersedes, is_void, made_by, reason
    )
    SELECT told.car_park, told.id, {ZONE}, told.lane, told.direction, told.plate, told.color, told.ticket, told.class,
        told.confidence, told.image, told.at, $2, told.supersedes, told.is_void, told.made_by, told.reason
    FROM jsonb_to_recordset($1) AS told (
        car_park text, id text, lane text, direction text, plate text, color text, ticket text, class text,
        confidence real, image text, at timestamptz, supersedes text, is_void boolean, made_by text, reason text
    )
    LEFT JOIN registry.lane_directory AS lane ON (lane.car_park, lane.label) = (told.car_park, told.lane)
    RETURNING *
"""
_SAID: Final = (
    "car_park", "lane", "direction", "plate", "color", "ticket", "class", "confidence", "image", "at",
)  # fmt: skip


class Correction(Struct, frozen=True, kw_only=True):
    """A passage put right: `old` as it stood (None: nobody had told it), and what of it is otherwise."""

    old: Row | None
    changed: dict[str, Any]
    made_by: str
    reason: str
    is_void: bool = False


async def put_right(tx: Tx, corrections: Sequence[Correction]) -> list[Row]:
    """The rows that stand from now on, or say that nothing does."""
    told = [
        {
            **({} if one.old is None else {name: one.old[name] for name in _SAID}),
            **one.changed,
            "id": new_id("pas", tx.now),
            "supersedes": None if one.old is None else one.old["id"],
            "is_void": one.is_void,
            "made_by": one.made_by,
            "reason": one.reason,
        }
        for one in corrections
    ]
    return await tx.fetch(PUT_RIGHT, told, tx.now)
