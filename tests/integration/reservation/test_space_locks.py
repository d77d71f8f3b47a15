"""The lock of an equipped space is down for its guest, and up again once nothing is above it."""

import pytest

from contracts.ids import CarParkId, OrderId
from contracts.orders import OrderClosed, OrderKind, OrderState
from reservation.service import hear_of_locks
from tests.integration.reservation.arrivals import Lanes, events
from tests.integration.reservation.conftest import PARK, Site, park


@pytest.fixture
async def lanes(site: Site) -> Lanes:
    spaces = [{"space": "B1-001", "features": ["lock"]}, {"space": "B1-002"}]
    assert (await site.put("/v1/operator/car-parks/sy-1", park(spaces=spaces))).status == 200
    return Lanes(site)


async def close(site: Site, kind: OrderKind, as_: OrderState, error: str | None = None) -> None:
    """The newest order of the kind comes to its end."""
    (row,) = await site.rows(
        "SELECT id, cause FROM gateway.device_order WHERE kind = $1 ORDER BY given_at DESC, id DESC LIMIT 1", kind
    )
    async with site.database.transaction() as tx:
        closed = OrderClosed(CarParkId(PARK), OrderId(row["id"]), kind, row["cause"], as_, error, tx.now)
        await hear_of_locks(tx, closed)


async def test_down_at_check_in_and_up_after_leaving_when_the_sensor_says_free(site: Site, lanes: Lanes) -> None:
    await site.confirmed(0, 60, space="B1-001")
    await lanes.drive("entry")
    assert await lanes.orders("lower_lock", "raise_lock") == [("lower_lock", "B1-001")]
    await close(site, OrderKind.LOWER_LOCK, OrderState.DONE)
    await lanes.sense("B1-001")
    site.clock.advance(1800)
    await lanes.tick()
    await lanes.drive("exit")
    await lanes.tick()
    assert await lanes.orders("raise_lock") == [], "the sensor still sees a vehicle"
    await lanes.sense("B1-001", state="free")
    await lanes.tick()
    await lanes.tick()
    assert await lanes.orders("raise_lock") == [("raise_lock", "B1-001")]
    await close(site, OrderKind.RAISE_LOCK, OrderState.DONE)
    assert await site.rows("SELECT * FROM reservation.space_lock") == []


async def test_a_lock_that_does_not_obey_is_asked_again_and_then_told(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 300, space="B1-001")
    await lanes.drive("entry")
    for attempt in range(1, 6):
        assert len(await lanes.orders("lower_lock")) == attempt
        await close(site, OrderKind.LOWER_LOCK, OrderState.FAILED, "jammed")
        await lanes.tick()
        site.clock.advance(300)
        await lanes.tick()
    assert len(await lanes.orders("lower_lock")) == 5
    assert (await events(site, made["id"]))[-1] == "lock_failed"


async def test_a_space_without_a_lock_gets_no_order(site: Site, lanes: Lanes) -> None:
    await site.confirmed(0, 60, space="B1-002")
    await lanes.drive("entry")
    await lanes.drive("exit")
    await lanes.tick()
    assert await lanes.orders("lower_lock", "raise_lock") == []
