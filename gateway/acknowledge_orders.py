"""What devices answered closes their orders, in the transaction of the batch that brought the answers.

An answer to an order that was never given, or was given to another car park, is refused before anything is counted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec import Struct

from contracts.facts import Tally
from contracts.ids import CarParkId, OrderId
from contracts.orders import OrderClosed, OrderHandler, OrderKind, OrderState
from gateway.order_lifecycle import OPEN, Acknowledged, Order, acknowledged
from gateway.refusals import Reason
from gateway.sql import orders as sql
from gateway.taken import Taken
from kernel.db import Row, Tx

_log = structlog.get_logger(__name__)

NO_ORDERS: Final[Mapping[OrderId, Row]] = {}
_MOVING: Final = (
    "state",
    "published_at",
    "acknowledged_at",
    "acknowledged_late_at",
    "device_at",
    "error",
    "closed_at",
    "superseded_by",
)


class Answer(Struct, frozen=True):
    """One acknowledgement and what it did. `given_at` and `received_at` are the order's whole way; `expired`: it came
    after the deadline and before the sweep, so that the order came to its end with it."""

    car_park: CarParkId
    kind: OrderKind
    did: Acknowledged
    state: OrderState
    given_at: datetime
    received_at: datetime
    expired: bool

    def count(self, tallies: dict[CarParkId, Tally]) -> None:
        """Into the books of its car park."""
        tally = tallies.setdefault(self.car_park, Tally())
        setattr(tally, self.did, getattr(tally, self.did) + 1)


async def find_orders(tx: Tx, messages: Sequence[Taken]) -> tuple[Sequence[Taken], Mapping[OrderId, Row]]:
    """`messages` with the answers of strangers refused, and the orders, locked, that the others answer."""
    ids = {ack.order for taken in messages if taken.said.acks for ack in taken.said.acks}
    if not ids:
        return messages, NO_ORDERS
    orders = {OrderId(row["id"]): row for row in await sql.lock_orders(tx, sorted(ids))}
    return [_refuse_stranger(taken, orders) if taken.said.acks else taken for taken in messages], orders


async def acknowledge_orders(
    tx: Tx, on_order: Sequence[OrderHandler], messages: Sequence[Taken], orders: Mapping[OrderId, Row]
) -> list[Answer]:
    """Close what is answered, in order of arrival; tell `on_order` of every order that came to its end."""
    now_as: dict[OrderId, Order] = {}
    answers: list[Answer] = []
    closed: list[OrderId] = []
    for ack in (ack for taken in messages for ack in taken.said.acks):
        row = orders[ack.order]
        before = now_as.get(ack.order) or _order(row)
        after, did = acknowledged(before, ok=ack.ok, error=ack.error, at=ack.at, received_at=ack.received_at)
        now_as[ack.order] = after
        over = before.state in OPEN and after.state not in OPEN
        if over or did is Acknowledged.STORED:
            closed.append(ack.order)
        expired = over and did is not Acknowledged.STORED
        answers.append(Answer(row["car_park"], after.kind, did, after.state, row["given_at"], ack.received_at, expired))
        if did is not Acknowledged.STORED or not ack.ok:
            _log.warning("order_answered", order=ack.order, kind=after.kind, did=did, state=after.state, ok=ack.ok)
    await sql.set_acknowledged(
        tx, [(order_id, *(getattr(order, name) for name in _MOVING)) for order_id, order in sorted(now_as.items())]
    )
    for order_id in closed:
        order, row = now_as[order_id], orders[order_id]
        told = OrderClosed(row["car_park"], order_id, order.kind, row["cause"], order.state, order.error, tx.now)
        for handle in on_order:
            await handle(tx, told)
    return answers


def _refuse_stranger(taken: Taken, orders: Mapping[OrderId, Row]) -> Taken:
    """An acknowledgement is alone in its message."""
    order_id = taken.said.acks[0].order
    row = orders.get(order_id)
    if row is None:
        return taken.refuse(Reason.UNKNOWN_ORDER, f"no order {order_id!r} was given")
    if taken.said.car_park is None or row["car_park"] != taken.said.car_park.id:
        return taken.refuse(Reason.FOREIGN_ORDER, f"order {order_id!r} was given to another car park")
    return taken


def _order(row: Row) -> Order:
    moving: dict[str, Any] = {name: row[name] for name in (*_MOVING, "expires_at")}
    return Order(kind=OrderKind(row["kind"]), **{**moving, "state": OrderState(row["state"])})
