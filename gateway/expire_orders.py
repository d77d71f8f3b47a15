"""Orders that nobody answered in time come to their end, and long-closed ones are forgotten. A loop opens it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from contracts.ids import OrderId
from contracts.orders import OrderClosed, OrderHandler, OrderKind, OrderState
from gateway.sql import orders as sql
from kernel.db import Tx
from kernel.db_errors import will_pass
from kernel.ids import new_id

_log = structlog.get_logger(__name__)

EXPIRE_MAX: Final = 1_000
"""One sweep; the next comes a second later, and what is over is shown as over meanwhile."""
FORGET_MAX: Final = 5_000


async def expire_orders(tx: Tx, on_order: Sequence[OrderHandler]) -> list[OrderClosed]:
    """Close what is past its deadline and tell `on_order`; what was closed.

    A handler that fails undoes the closing of its order alone, which is tried again by the next sweep.
    """
    closed = []
    for row in await sql.lock_expired(tx, limit=EXPIRE_MAX):
        order = OrderClosed(
            car_park=row["car_park"],
            order=OrderId(row["id"]),
            kind=OrderKind(row["kind"]),
            cause=row["cause"],
            state=OrderState.EXPIRED,
            error=None,
            at=tx.now,
        )
        try:
            async with tx.savepoint():
                await sql.set_expired(tx, order.order)
                for handle in on_order:
                    await handle(tx, order)
        except Exception as error:
            if will_pass(error):
                raise
            _log.exception("order_not_expired", order=order.order, cause=order.cause)
        else:
            _log.warning("order_expired", order=order.order, kind=order.kind, car_park=order.car_park)
            closed.append(order)
    return closed


async def forget_orders(tx: Tx, *, days: int) -> int:
    """Delete what was closed more than `days` ago; how many went."""
    before = tx.now - timedelta(days=days)
    return await sql.forget_orders(tx, before_id=new_id("ord", before), closed_before=before, limit=FORGET_MAX)
