"""Orders go out: what a commit stored is published at once, and what a crash left behind is found every second.

    row, COMMIT --NOTIFY--> step: pending rows --publish--> broker --PUBACK--> published_at --ack--> closed

An order is published while its row says that the broker does not have it. A crash or a cut between the PUBLISH and the
writing down of its PUBACK therefore publishes it again, under the same id, within its deadline: a device obeys an id
once. What the broker has is never published again, neither by a process that starts nor after a reconnection, and
nothing is published after its deadline, which the payload and (MQTT 5) the broker know as well. A car park that said it
is offline is sent nothing, so that no broker keeps an order for its return. That a text is sent is written down before
it is: what gave way to a newer one was never on its way.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from contracts.ids import OrderId
from contracts.orders import OrderClosed, OrderHandler, OrderKind, OrderState
from contracts.wire import OrderMessage, up_topic
from gateway.notices import heed
from gateway.order_metrics import OrderMetrics
from gateway.outbox import Delivery
from gateway.sql import orders as sql
from kernel.answers import dump
from kernel.clock import Clock, sleep_or_woken
from kernel.db import Database, Row
from kernel.db_errors import is_away, is_victim, will_pass

_log = structlog.get_logger(__name__)

SWEEP_S: Final = 1.0
"""What no notification told of waits this long: a tenth of a barrier's deadline."""
BATCH_MAX: Final = 500
"""Orders read in one step; the next step follows at once."""
BROKER_REFUSED: Final = "the broker refused the message"


class Line(Protocol):
    """What dispatching needs of the link."""

    @property
    def ready(self) -> bool: ...

    def publish_until(
        self, topic: str, payload: bytes, deadline: datetime, settle: Callable[[Delivery], None]
    ) -> None: ...


class _Settled(Struct, frozen=True):
    order: OrderId
    delivery: Delivery
    at: datetime


class Dispatcher:
    """`run` publishes what is due until it is cancelled; `step` is one turn of it."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        line: Line,
        *,
        mine: Callable[[str], bool],
        on_order: Sequence[OrderHandler],
        metrics: OrderMetrics,
    ) -> None:
        """`mine` says whether this process speaks to an operator's devices."""
        self._db = db
        self._clock = clock
        self._line = line
        self._mine = mine
        self._on_order = on_order
        self._metrics = metrics
        self._out: dict[OrderId, Row] = {}
        """Given to the line, and not yet known by the database to be with the broker."""
        self._settled: list[_Settled] = []
        self._woken = asyncio.Event()
        self._writing = asyncio.Lock()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. A database or a broker that is away is asked again."""
        listening = asyncio.create_task(
            heed(self._db, self._clock, (sql.CHANNEL,), lambda *_: self.wake()), name="gateway-order-listen"
        )
        try:
            while True:
                self._woken.clear()
                try:
                    await self.step()
                except Exception as error:
                    if is_victim(error):
                        continue
                    if not is_away(error):
                        _log.exception("dispatch_failed")
                    await self._clock.sleep(SWEEP_S)
                    continue
                await sleep_or_woken(self._clock, SWEEP_S, self._woken)
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def finish(self) -> None:
        """After `run`: write down what the broker took, so that whoever comes next does not send it again."""
        try:
            await self._write_down()
        except Exception as error:
            _log.warning("orders_not_written_down", why=repr(error), orders=len(self._settled))

    async def step(self) -> None:
        """Send what is due, then write down what the broker took. Raises what the database raises."""
        if self._line.ready:
            await self._send_due()
        await self._write_down()

    async def _send_due(self) -> None:
        async with self._db.transaction(readonly=True) as tx:
            operators = [operator for operator in await sql.operators_with_pending(tx) if self._mine(operator)]
            rows = operators and await sql.pending_orders(
                tx, but_not=list(self._out), operators=operators, limit=BATCH_MAX
            )
        texts = [row for row in rows or () if row["kind"] == OrderKind.SHOW_TEXT]
        for row in rows or ():
            if row["kind"] != OrderKind.SHOW_TEXT:
                self._send(row)
        if texts:
            async with self._db.transaction() as tx:
                still_wanted = set(await sql.set_dispatched(tx, [row["id"] for row in texts]))
            for row in texts:
                if row["id"] in still_wanted:
                    self._send(row)
        if rows and len(rows) == BATCH_MAX:
            self.wake()

    def _send(self, row: Row) -> None:
        order_id = OrderId(row["id"])
        self._out[order_id] = row
        self._metrics.count(row["kind"], "dispatched")
        topic = up_topic(row["operator"], row["car_park"], "orders")
        self._line.publish_until(topic, payload_of(row), row["expires_at"], partial(self._settle, order_id))

    def _settle(self, order_id: OrderId, delivery: Delivery) -> None:
        if delivery is Delivery.LOST:
            # Still pending: read anew by the next sweep, if it is still wanted then.
            self._out.pop(order_id, None)
            return
        self._settled.append(_Settled(order_id, delivery, self._clock.now()))
        self.wake()

    async def _write_down(self) -> None:
        """An order is forgotten here once the database knows what the broker said."""
        async with self._writing:
            settled = list(self._settled)
            taken = [(each.order, each.at) for each in settled if each.delivery is Delivery.TAKEN]
            if taken:
                async with self._db.transaction() as tx:
                    await sql.set_published(tx, taken)
            for each in settled:
                if each.delivery is Delivery.REFUSED:
                    await self._close_refused(each)
                self._settled.remove(each)
                row = self._out.pop(each.order)
                if each.delivery is Delivery.TAKEN:
                    self._metrics.published(row["kind"], each.at - row["given_at"])

    async def _close_refused(self, settled: _Settled) -> None:
        """In a transaction of its own; where a handler fails, the order is sent again while it is wanted."""
        try:
            async with self._db.transaction() as tx:
                row = await sql.set_order_refused(tx, settled.order, BROKER_REFUSED)
                if row is None:
                    return
                order = OrderClosed(
                    car_park=row["car_park"],
                    order=settled.order,
                    kind=OrderKind(row["kind"]),
                    cause=row["cause"],
                    state=OrderState.FAILED,
                    error=BROKER_REFUSED,
                    at=tx.now,
                )
                for handle in self._on_order:
                    await handle(tx, order)
        except Exception as error:
            if will_pass(error):
                raise
            _log.exception("order_not_closed", order=settled.order)
        else:
            _log.error("order_refused_by_broker", order=order.order, car_park=order.car_park)
            self._metrics.count(order.kind, order.state)


def payload_of(row: Row) -> bytes:
    """What the device reads."""
    message = OrderMessage(
        order=row["id"],
        kind=row["kind"],
        expires_at=row["expires_at"].astimezone(UTC),
        reason=row["reason"],
        lane=row["lane"],
        space=row["space"],
        sign=row["sign"],
        text=row["text"],
    )
    return dump(msgspec.to_builtins(message, builtin_types=(datetime,)))
