"""The table of reservations takes exactly the rows that `lifecycle.is_consistent` allows."""

import itertools
from datetime import UTC, datetime, timedelta

import asyncpg

from kernel.db import Database, Tx
from reservation.lifecycle import Promise, State, is_consistent
from reservation.policy import CHARGE_MAX

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
INSERT = """
INSERT INTO reservation.reservation (id, driver, car_park, space, space_label, plate, color, during, occupies, state,
    terms, price, fee, hold_expires_at, earliest, latest, created_at, confirmed_at, checked_in_at, ended_at,
    overstaying)
VALUES ($1, 'ann', 'sy-1', $13, $14, $1, 'blue', tstzrange($2, $3), tstzrange($2, $3), $4, '{}', $5, $6, $7, $2, $8, $2,
    $9, $10, $11, $12)
"""


async def takes(
    tx: Tx, number: int, promise: Promise, *, price: int = 0, space: int | None = None, label: str | None = None
) -> bool:
    """Whether the table takes it; only a constraint of its own may refuse."""
    try:
        async with tx.savepoint():
            await tx.execute(
                INSERT,
                f"rsv_{number}",
                promise.begins,
                promise.until,
                promise.state,
                price,
                promise.fee,
                promise.hold_expires_at,
                promise.latest,
                promise.confirmed_at,
                promise.checked_in_at,
                promise.ended_at,
                promise.overstaying,
                space,
                label,
            )
    except asyncpg.CheckViolationError as refusal:
        assert (refusal.constraint_name or "").startswith("reservation_")
        return False
    return True


def promise(**changes: object) -> Promise:
    said: dict[str, object] = {"begins": AT, "until": AT + timedelta(hours=1), **changes}
    told = {"occupies_from": AT, "occupies_until": said["until"], "hold_expires_at": AT, "latest": AT}
    return Promise(**{**told, **said})  # type: ignore[arg-type]  # each value fits its name


async def test_every_combination_of_what_moves(database: Database) -> None:
    moments = ("confirmed_at", "checked_in_at", "ended_at")
    number, allowed = itertools.count(), 0
    async with database.transaction() as tx:
        for state, present, overstaying, until, fee in itertools.product(
            State,
            itertools.product((None, AT), repeat=len(moments)),
            (False, True),
            (AT, AT + timedelta(hours=1)),
            (-1, 0),
        ):
            moving = dict(zip(moments, present, strict=True))
            made = promise(state=state, overstaying=overstaying, until=until, fee=fee, **moving)
            expected = is_consistent(made)
            allowed += expected
            assert await takes(tx, next(number), made) == expected, made
    assert allowed == 10, "held, confirmed, checked_in and completed twice, expired, cancelled twice, no_show"


async def test_money_and_places_have_bounds(database: Database) -> None:
    async with database.transaction() as tx:
        assert await takes(tx, 1, promise(fee=CHARGE_MAX), price=CHARGE_MAX)
        assert not await takes(tx, 2, promise(), price=CHARGE_MAX + 1)
        assert not await takes(tx, 3, promise(), price=-1)
        assert not await takes(tx, 4, promise(fee=CHARGE_MAX + 1))
        assert not await takes(tx, 5, promise(), space=7)
        assert not await takes(tx, 6, promise(), label="B1-001")
        assert await takes(tx, 7, promise(), space=7, label="B1-001")
