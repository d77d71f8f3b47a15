"""An operator opens a barrier: over REST, through the embedded broker, at devices of either protocol, in the demo."""

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest

from contracts.wire import AckMessage, OrderMessage
from kernel.clock import SystemClock
from simulators.wire_client import MqttVersion, WireClient
from tests.conftest import Eventually
from tests.e2e.outside import City


async def send(city: City, method: str, path: str, body: dict[str, Any], *, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {city.ready.tokens['operator']}"} | ({"Idempotency-Key": key} if key else {})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, city.ready.http + path, json=body) as answer,
    ):
        said = await answer.json()
        assert answer.status in (200, 201), said
        return said


def state_of(city: City, order: str) -> str:
    state: str = city.get(f"/v1/operator/orders/{order}", city.ready.tokens["operator"])["state"]
    return state


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_device_of_either_protocol_obeys(city: City, eventually: Eventually, version: MqttVersion) -> None:
    car_park = f"barrier-{version.replace('.', '')}"
    place = {"operator": "e2e", "name": car_park, "position": {"lat": 41.79, "lon": 123.43}, "capacity": 5}
    lanes = [{"lane": "X1", "direction": "exit"}]
    await send(city, "PUT", f"/v1/operator/car-parks/{car_park}", {**place, "kind": "mall", "lanes": lanes})
    told: asyncio.Queue[OrderMessage] = asyncio.Queue()
    device = WireClient(
        city.ready.mqtt if version == "3.1.1" else city.ready.mqtt_v5,
        SystemClock(),
        client_id=car_park,
        filters=[f"parking/v1/e2e/{car_park}/orders"],
        hear=lambda _topic, payload: told.put_nowait(msgspec.json.decode(payload, type=OrderMessage)),
        mqtt_version=version,
    )
    await device.open()
    await device.publish(f"parking/v1/e2e/{car_park}/status", b'{"online":true,"at":"2026-11-23T08:00:00Z"}')
    await device.acknowledged()
    body = {"kind": "open_barrier", "lane": "X1", "reason": "ticket lost"}
    given = await send(city, "POST", f"/v1/operator/car-parks/{car_park}/orders", body, key=car_park)
    order = await asyncio.wait_for(told.get(), 5)
    assert (order.order, order.kind, order.lane, order.reason) == (given["id"], "open_barrier", "X1", "ticket lost")
    ack = AckMessage(order.order, True, SystemClock().now())
    await device.publish(f"parking/v1/e2e/{car_park}/acks", msgspec.json.encode(ack))
    await eventually(lambda: state_of(city, order.order) == "done")
    await device.close()


async def test_a_simulated_car_park_obeys(city: City, eventually: Eventually) -> None:
    def online() -> str | None:
        cards = city.get("/v1/car-parks?limit=200")["items"]
        simulated = (card for card in cards if card["operator"] != "e2e")
        return next((card["id"] for card in simulated if card["availability"].get("online")), None)

    car_park = await eventually(online, within_s=60)
    body = {"kind": "resend_snapshot", "reason": "test"}
    given = await send(city, "POST", f"/v1/operator/car-parks/{car_park}/orders", body, key="snapshot")
    await eventually(lambda: state_of(city, given["id"]) == "done")
