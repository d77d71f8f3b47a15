"""Orders in tests: given as another service gives them, answered as a device answers them."""

from datetime import timedelta
from typing import Any

from contracts.ids import CarParkId, LaneLabel, OrderId, SpaceLabel
from contracts.orders import OrderKind, WantedOrder
from gateway.give_order import give_order
from kernel.db import Database, Row
from tests.integration.gateway.conftest import CAR_PARK, Client, now


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


def orders(device: Client) -> list[dict[str, Any]]:
    """What the device was told, in order."""
    return device.said("/orders")
