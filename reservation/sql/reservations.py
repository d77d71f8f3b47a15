"""Promises: one guarded statement a step, each with its row in `event`."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from contracts.vehicles import Vehicle
from kernel.db import Row, Tx
from reservation.lifecycle import Promise, State
from reservation.policy import Terms

COLUMNS = """
id, version, driver, car_park, space, space_label, listing, plate, color, lower(during) AS begins,
upper(during) AS until, lower(occupies) AS occupies_from, upper(occupies) AS occupies_until,
isempty(occupies) AS occupies_nothing, state, terms, price, fee, hold_expires_at, earliest, latest, created_at,
confirmed_at, checked_in_at, passage, ended_at, overstaying, replaces_space, inside_since, space_taken_at
"""

MOVE = f"""
WITH moved AS (
    UPDATE reservation.reservation SET
        version = version + 1, state = $3, during = tstzrange($4::timestamptz, $5::timestamptz),
        occupies = tstzrange($6::timestamptz, $7::timestamptz),
        fee = $8, confirmed_at = $9, checked_in_at = $10, ended_at = $11, overstaying = $12, price = $13, latest = $14,
        passage = coalesce($15, passage)
    WHERE id = $1 AND version = $2
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail)
    SELECT id, $16, $17, version, $18 FROM moved
)
SELECT {COLUMNS} FROM moved
"""
"""Whoever calls has read the row in this version: a step that somebody else took meanwhile leaves nothing to return."""

CONFIRM = f"""
-- A hold in time. Otherwise nothing: whoever calls then looks why not.
WITH moved AS (
    UPDATE reservation.reservation SET version = version + 1, state = 'confirmed', confirmed_at = $3
    WHERE id = $1 AND ($2::text IS NULL OR driver = $2) AND state = 'held' AND hold_expires_at > $3
    RETURNING *
), told AS (
    INSERT INTO reservation.event (reservation, at, kind, version, detail)
    SELECT id, $3, 'confirmed', version, '{{}}' FROM moved
)
SELECT {COLUMNS} FROM moved
"""

FIND = f"""
SELECT {COLUMNS} FROM reservation.reservation
WHERE id = $1 AND ($2::text IS NULL OR driver = $2) FOR NO KEY UPDATE
"""

READ = f"SELECT {COLUMNS} FROM reservation.reservation WHERE id = $1 AND ($2::text IS NULL OR driver = $2)"

READ_ALL = f"SELECT {COLUMNS} FROM reservation.reservation WHERE id = ANY ($1)"

PAGE_OF_DRIVER = f"""
SELECT {COLUMNS} FROM reservation.reservation
WHERE driver = $1 AND ($2::text IS NULL OR id < $2) AND ($3::text[] IS NULL OR state = ANY ($3))
ORDER BY id DESC LIMIT $4
"""


def promise_of(row: Row) -> Promise:
    """What moves in it."""
    empty = row["occupies_nothing"]
    return Promise(
        begins=row["begins"],
        until=row["until"],
        occupies_from=row["begins"] if empty else row["occupies_from"],
        occupies_until=row["begins"] if empty else row["occupies_until"],
        hold_expires_at=row["hold_expires_at"],
        latest=row["latest"],
        state=State(row["state"]),
        fee=row["fee"],
        confirmed_at=row["confirmed_at"],
        checked_in_at=row["checked_in_at"],
        ended_at=row["ended_at"],
        overstaying=row["overstaying"],
        waits_inside=row["inside_since"] is not None,
    )


def vehicle_of(row: Row) -> Vehicle:
    """Whose promise it is."""
    return Vehicle.model_construct(plate=row["plate"], color=row["color"])


def terms_of(row: Row) -> Terms:
    """Under which it was promised."""
    return msgspec.convert(row["terms"], Terms)


async def move(
    tx: Tx,
    row: Row,
    promise: Promise,
    kind: str,
    *,
    price: int | None = None,
    passage: str | None = None,
    detail: dict[str, Any] | None = None,
) -> Row | None:
    """Write a step of the promise in `row`; None when somebody else was faster."""
    return await tx.fetchrow(MOVE, *_moved(tx, row, promise, kind, price=price, passage=passage, detail=detail))


async def move_all(tx: Tx, steps: Sequence[tuple[Row, Promise, str]]) -> None:
    """Write a step of each promise, whose rows are locked; each with its kind."""
    await tx.executemany(MOVE, [_moved(tx, row, promise, kind) for row, promise, kind in steps])


def _moved(
    tx: Tx,
    row: Row,
    promise: Promise,
    kind: str,
    *,
    price: int | None = None,
    passage: str | None = None,
    detail: dict[str, Any] | None = None,
) -> tuple[Any, ...]:
    return (
        row["id"],
        row["version"],
        promise.state,
        promise.begins,
        promise.until,
        promise.occupies_from,
        promise.occupies_until,
        promise.fee,
        promise.confirmed_at,
        promise.checked_in_at,
        promise.ended_at,
        promise.overstaying,
        row["price"] if price is None else price,
        promise.latest,
        passage,
        tx.now,
        kind,
        detail or {},
    )


async def confirm(tx: Tx, reservation: str, *, driver: str | None) -> Row | None:
    """The confirmed row of a hold in time; None when there is no such hold, or no more."""
    return await tx.fetchrow(CONFIRM, reservation, driver, tx.now)


async def lock(tx: Tx, reservation: str, *, driver: str | None) -> Row | None:
    """The reservation, of this driver (None: anybody's), locked until the transaction ends."""
    return await tx.fetchrow(FIND, reservation, driver)


async def read(tx: Tx, reservation: str, *, driver: str | None) -> Row | None:
    return await tx.fetchrow(READ, reservation, driver)


async def read_all(tx: Tx, reservations: Collection[str]) -> dict[str, Row]:
    """Each as it is now, by its id."""
    return {row["id"]: row for row in await tx.fetch(READ_ALL, list(reservations))}


async def page_of_driver(
    tx: Tx, driver: str, *, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE_OF_DRIVER, driver, below, states, limit)
