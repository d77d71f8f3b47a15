"""Passages: kept as they came, read with what was put right in place of what was wrong."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from billing.pairing import Passage, Window
from contracts.facts import PassageSeen
from kernel.db import Row, Tx

NEIGHBOURS: Final = 16
"""Passages read on each side of a new one. It is paired with the very next of its vehicle: the others are readings that
came twice, nested zones, and vehicles whose plates differ in the colour only.
"""


class Asked(Struct, frozen=True):
    """A vehicle (by plate or ticket) at a car park, and when something became known of it."""

    car_park: str
    plate: str | None
    ticket: str | None
    since: datetime
    until: datetime

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        return self.car_park, self.plate, None if self.plate is not None else self.ticket


LOCK_CAR_PARKS: Final = """
    SELECT pg_advisory_xact_lock(number) FROM (
        SELECT DISTINCT hashtextextended('billing/' || car_park, 0) AS number FROM unnest($1::text[]) AS car_park
        ORDER BY number
    ) AS wanted
"""


async def lock_car_parks(tx: Tx, car_parks: Collection[str]) -> None:
    """Nobody else changes passages or sessions there until this transaction ends: what one reads, the other wrote."""
    await tx.execute(LOCK_CAR_PARKS, list(car_parks))


ZONE: Final = """
    CASE WHEN lane.zone IS NOT NULL AND (
        SELECT bool_or(border.direction <> 'exit') AND bool_or(border.direction <> 'entry')
        FROM registry.lane_directory AS border WHERE border.car_park = told.car_park AND border.zone IS NULL
    ) THEN lane.zone ELSE '' END
"""
"""A lane of a zone leads into a nested one where the car park has a border of its own; where all lanes lead into zones,
they are the border.
"""

INSERT: Final = f"""
    INSERT INTO billing.passage
        (car_park, id, zone, lane, direction, plate, color, ticket, class, confidence, image, at, received_at)
    SELECT told.car_park, told.id, {ZONE}, told.lane, told.direction, told.plate, told.color, told.ticket,
        told.class, told.confidence, told.image,
        told.at, told.received_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::real[], $10::text[], $11::timestamptz[], $12::timestamptz[])
        AS told (car_park, id, lane, direction, plate, color, ticket, class, confidence, image, at, received_at)
    LEFT JOIN registry.lane_directory AS lane ON (lane.car_park, lane.label) = (told.car_park, told.lane)
    ON CONFLICT (car_park, id) DO NOTHING
"""


async def insert(tx: Tx, passages: Sequence[PassageSeen]) -> None:
    """As devices told them."""
    await tx.execute(
        INSERT,
        [seen.car_park for seen in passages],
        [seen.id for seen in passages],
        [seen.lane for seen in passages],
        [seen.direction for seen in passages],
        [seen.plate for seen in passages],
        [seen.color for seen in passages],
        [seen.ticket for seen in passages],
        [seen.vehicle_class for seen in passages],
        [seen.confidence for seen in passages],
        [seen.image for seen in passages],
        [seen.at for seen in passages],
        [seen.received_at for seen in passages],
    )


_COLUMNS: Final = """
    one.id, one.zone, one.lane, one.direction, one.at, one.plate, one.color, one.ticket, one.class, one.confidence,
    one.image, one.supersedes, one.made_by
"""
_STANDING: Final = """
    NOT one.is_void AND NOT EXISTS (
        SELECT FROM billing.passage AS better WHERE (better.car_park, better.supersedes) = (one.car_park, one.id)
    )
"""


def _windows(vehicle: str) -> str:
    """The column `vehicle` says whose passages they are."""
    of_it = f"FROM billing.passage AS one WHERE one.car_park = asked.car_park AND one.{vehicle} = asked.vehicle"
    return f"""
    SELECT asked.car_park, asked.vehicle, found.*
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
        AS asked (car_park, vehicle, since, until)
    CROSS JOIN LATERAL (
        (SELECT -1 AS side, {_COLUMNS} {of_it} AND one.at < asked.since AND {_STANDING}
         ORDER BY one.at DESC LIMIT $5)
        UNION ALL
        (SELECT 0 AS side, {_COLUMNS} {of_it} AND one.at BETWEEN asked.since AND asked.until AND {_STANDING})
        UNION ALL
        (SELECT 1 AS side, {_COLUMNS} {of_it} AND one.at > asked.until AND {_STANDING}
         ORDER BY one.at LIMIT $5)
    ) AS found
    """


WINDOWS_OF_PLATES: Final = _windows("plate")
WINDOWS_OF_TICKETS: Final = _windows("plate IS NULL AND one.ticket")


async def windows(tx: Tx, asked: Sequence[Asked]) -> list[Window]:
    """Of each of `asked`, in that order: what stands now, with its neighbours on both sides."""
    found: dict[tuple[str, str | None, str | None], list[Row]] = {one.key: [] for one in asked}
    plates = [one for one in asked if one.plate is not None]
    tickets = [one for one in asked if one.plate is None]
    for statement, some in ((WINDOWS_OF_PLATES, plates), (WINDOWS_OF_TICKETS, tickets)):
        if not some:
            continue
        for row in await tx.fetch(
            statement,
            [one.car_park for one in some],
            [one.ticket if one.plate is None else one.plate for one in some],
            [one.since for one in some],
            [one.until for one in some],
            NEIGHBOURS,
        ):
            key = (row["car_park"], row["vehicle"], None) if some is plates else (row["car_park"], None, row["vehicle"])
            found[key].append(row)
    return [_window(found[one.key]) for one in asked]


def _window(rows: Iterable[Row]) -> Window:
    rows = list(rows)
    return Window(
        passages=[passage_of(row) for row in rows],
        cut_before=sum(row["side"] == -1 for row in rows) >= NEIGHBOURS,
        cut_after=sum(row["side"] == 1 for row in rows) >= NEIGHBOURS,
    )


def passage_of(row: Row) -> Passage:
    """What pairing knows of it."""
    return Passage(
        id=row["id"],
        zone=row["zone"],
        lane=row["lane"],
        direction=row["direction"],
        at=row["at"],
        plate=row["plate"],
        color=row["color"],
        ticket=row["ticket"],
        vehicle_class=row["class"],
        confidence=row["confidence"],
        image=row["image"],
        supersedes=row["supersedes"],
        made_by=row["made_by"],
    )


async def read(tx: Tx, car_park: str, passage: str) -> Row:
    """The row of a passage that is there."""
    (row,) = await tx.fetch("SELECT * FROM billing.passage WHERE car_park = $1 AND id = $2", car_park, passage)
    return row


READ_ALL: Final = """
    SELECT one.* FROM unnest($1::text[], $2::text[]) AS asked (car_park, id)
    JOIN billing.passage AS one ON (one.car_park, one.id) = (asked.car_park, asked.id)
"""


async def read_all(tx: Tx, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Passage]:
    """Passages that are there, by car park and id."""
    rows = await tx.fetch(READ_ALL, [car_park for car_park, _ in wanted], [passage for _, passage in wanted])
    return {(row["car_park"], row["id"]): passage_of(row) for row in rows}


def asked_about(rows: Iterable[Row]) -> list[Asked]:
    """The vehicles of these passages, from the first to the last of each."""
    found: dict[tuple[str, str | None, str | None], Asked] = {}
    for row in rows:
        if row["plate"] is None and row["ticket"] is None:
            continue
        ticket = None if row["plate"] is not None else row["ticket"]
        one = Asked(row["car_park"], row["plate"], ticket, row["at"], row["at"])
        known = found.get(one.key, one)
        found[one.key] = Asked(*one.key, min(known.since, one.since), max(known.until, one.until))
    return list(found.values())


HAS_LANE: Final = """
    -- A car park that registered no lanes names them as it likes.
    SELECT NOT EXISTS (SELECT FROM registry.lane_directory WHERE car_park = $1)
        OR EXISTS (SELECT FROM registry.lane_directory WHERE car_park = $1 AND label = $2)
"""


async def has_lane(tx: Tx, car_park: str, lane: str) -> bool:
    """Whether vehicles may pass there."""
    return bool(await tx.fetchval(HAS_LANE, car_park, lane))
