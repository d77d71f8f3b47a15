"""The table of orders takes exactly the rows that `order_lifecycle` and `order_place` allow."""

import itertools
from datetime import UTC, datetime, timedelta

import asyncpg

from contracts.orders import OrderKind, OrderState
from gateway.order_lifecycle import Order, is_consistent
from gateway.order_place import fault_of
from kernel.db import Database, Tx

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
INSERT = """
INSERT INTO gateway.device_order (id, operator, car_park, kind, lane, space, sign, text, reason, actor, cause, given_at,
    expires_at, state, published_at, acknowledged_at, acknowledged_late_at, device_at, error, closed_at, superseded_by,
    dispatched_at)
VALUES ($1, 'op', 'mall-1', $2, $3, $4, $5, $6, 'why', 'who', $1, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""


async def takes(tx: Tx, number: int, order: Order, places: tuple[str | None, ...]) -> bool:
    moving = (order.published_at, order.acknowledged_at, order.acknowledged_late_at, order.device_at, order.error)
    try:
        async with tx.savepoint():
            await tx.execute(
                INSERT,
                f"ord_{number}",
                order.kind,
                *places,
                AT,
                order.expires_at,
                order.state,
                *moving,
                order.closed_at,
                order.superseded_by,
                order.dispatched_at,
            )
    except asyncpg.CheckViolationError as refusal:
        assert refusal.constraint_name
        assert refusal.constraint_name.startswith("device_order_")
        return False
    return True


async def test_every_combination_of_what_moves(database: Database) -> None:
    moving = (
        "published_at",
        "acknowledged_at",
        "acknowledged_late_at",
        "device_at",
        "error",
        "closed_at",
        "dispatched_at",
    )
    values = {name: "no" if name == "error" else AT for name in moving}
    kinds = {OrderKind.OPEN_BARRIER: ("X1", None, None, None), OrderKind.SHOW_TEXT: ("X1", None, None, "满")}
    allowed = 0
    number = itertools.count()
    async with database.transaction() as tx:
        for kind, state, newer, present in itertools.product(
            kinds, OrderState, (None, "ord_9"), itertools.product((False, True), repeat=len(moving))
        ):
            held = {name: values[name] for name, there in zip(moving, present, strict=True) if there}
            deadline = AT + timedelta(seconds=10)
            order = Order(kind=kind, expires_at=deadline, state=state, superseded_by=newer, **held)  # type: ignore[arg-type]  # each value fits its name
            expected = is_consistent(order)
            allowed += expected
            assert await takes(tx, next(number), order, kinds[kind]) == expected, order
    assert allowed > 20


async def test_every_combination_of_places(database: Database) -> None:
    async with database.transaction() as tx:
        number = itertools.count()
        for kind, given in itertools.product(OrderKind, itertools.product((None, "x"), repeat=4)):
            lane, space, sign, text = given
            expected = fault_of(kind, lane=lane, space=space, sign=sign, text=text) is None
            order = Order(kind=kind, expires_at=AT + timedelta(seconds=10))
            assert await takes(tx, next(number), order, (lane, space, sign, text)) == expected, (kind, given)
