"""Orders in tests: given as another service gives them, answered as a device answers them."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec

from contracts.ids import CarParkId, LaneLabel, OrderId, SpaceLabel
from contracts.orders import OrderKind, WantedOrder
from contracts.wire import OrderMessage, up_topic
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.give_order import give_order
from gateway.link import Link
from gateway.received import Received
from kernel.clock import SystemClock
from kernel.db import Database, Row
from simulators.equipment import Equipment
from tests.conftest import Eventually
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Client, now


def wanted(
    kind: str = "open_barrier",
    *,
    cause: str = "exit:pas_1",
    car_park: str = CAR_PARK,
    lane: str | None = "E1",
    space: str | None = None,
    text: str | None = None,
    ttl_s: float | None = None,
) -> WantedOrder:
    return WantedOrder(
        car_park=CarParkId(car_park),
        kind=OrderKind(kind),
        cause=cause,
        reason="pay_later",
        actor="billing",
        lane=None if lane is None else LaneLabel(lane),
        space=None if space is None else SpaceLabel(space),
        text=text,
        ttl=None if ttl_s is None else timedelta(seconds=ttl_s),
    )


async def give(db: Database, order: WantedOrder) -> OrderId:
    async with db.transaction() as tx:
        return await give_order(tx, order)


async def row_of(db: Database, order: OrderId) -> Row:
    async with db.transaction(readonly=True) as tx:
        row = await tx.fetchrow("SELECT * FROM gateway.device_order WHERE id = $1", order)
    assert row is not None
    return row


async def state_of(db: Database, order: OrderId) -> str:
    state: str = (await row_of(db, order))["state"]
    return state


def answer(device: Client, order: str, *, ok: bool = True, error: str | None = None, car_park: str = CAR_PARK) -> None:
    device.say("acks", {"order": order, "ok": ok, "at": now(), "error": error}, car_park=car_park)


async def has_state(db: Database, order: OrderId, *states: str) -> bool:
    return await state_of(db, order) in states


async def is_over(db: Database, order: OrderId, *, by: timedelta = timedelta(0)) -> bool:
    """Whether its deadline passed `by` ago."""
    return bool((await row_of(db, order))["expires_at"] + by < SystemClock().now())


def orders(device: Client) -> list[dict[str, Any]]:
    """What the device was told, in order."""
    return device.said("/orders")


class Barrier(Client):
    """A car park that obeys: what it was told, with repeats, is in `heard`; what moved is in `equipment`."""

    def __init__(self, url: str, *, protocol: ProtocolVersion = "5", client_id: str, session_s: int = 0) -> None:
        """`session_s`: how long the broker keeps what comes while it is away."""
        super().__init__(url, protocol=protocol)
        self.equipment = Equipment()
        self.silent = False
        session = Session(client_id, (up_topic(OPERATOR, CAR_PARK, "orders"),), protocol, expiry_s=session_s)
        self.link = Link(BrokerAddress.of(url), session, SystemClock(), on_message=self._hear, acknowledge_at_once=True)

    def _hear(self, message: Received) -> bool:
        super()._hear(message)
        order = msgspec.json.decode(message.payload, type=OrderMessage)
        if not self.silent:
            self.say("acks", self.equipment.obey(order, SystemClock().now()))
        return True

    @contextlib.asynccontextmanager
    async def obeying(self, eventually: Eventually) -> AsyncIterator["Barrier"]:
        """Until the block ends; then it says DISCONNECT. Once only."""
        async with self.connected():
            await eventually(lambda: self.link.ready)
            yield self
