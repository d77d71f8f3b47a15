"""A driver books, drives up and is let in: over REST, the real gateway and the embedded broker."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec

from contracts.wire import OrderMessage
from kernel.clock import SystemClock
from simulators.wire_client import WireClient
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City

PARK = "arrival-1"
PARK_BODY = {
    "operator": "e2e",
    "name": {"zh": "到达", "en": "Arrival"},
    "position": {"lat": 41.79, "lon": 123.43},
    "capacity": 5,
    "reservable": 2,
    "kind": "mall",
    "lanes": [{"lane": "E1", "direction": "entry"}],
}
CAR = {"plate": "辽A12345", "color": "blue"}


async def ask(city: City, method: str, path: str, body: Any = None, *, who: str = "driver", key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {city.ready.tokens[who]}"} | ({"Idempotency-Key": key} if key else {})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, city.ready.http + path, json=body) as answer,
    ):
        said = await answer.json()
        assert answer.status in (200, 201), said
        return said


def promised(city: City) -> int:
    number: int = city.get(f"/v1/car-parks/{PARK}")["availability"]["promised"]
    return number


async def test_what_is_booked_is_not_free_and_the_barrier_opens_for_it(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city()
    await ask(city, "PUT", f"/v1/operator/car-parks/{PARK}", PARK_BODY, who="operator")
    orders: asyncio.Queue[OrderMessage] = asyncio.Queue()
    public: list[int] = []

    def hear(topic: str, payload: bytes) -> None:
        if topic.endswith("/orders"):
            orders.put_nowait(msgspec.json.decode(payload, type=OrderMessage))
        else:
            public.append(msgspec.json.decode(payload)["promised"])

    clock = SystemClock()
    filters = [f"parking/v1/e2e/{PARK}/orders", f"parking/v1/public/{PARK}"]
    device = WireClient(city.ready.mqtt, clock, client_id=PARK, filters=filters, hear=hear)
    await device.open()
    now = clock.now()
    await device.publish(
        f"parking/v1/e2e/{PARK}/counts", msgspec.json.encode({"capacity": 5, "free": 3, "at": now, "seq": 1})
    )
    await device.acknowledged()
    wanted = {
        "car_park": PARK,
        "vehicle": CAR,
        "from": now.isoformat(),
        "until": (now + timedelta(hours=1)).isoformat(),
    }
    held = await ask(city, "POST", "/v1/reservations", wanted, key="hold")
    path = f"/v1/reservations/{held['id']}"
    await ask(city, "POST", f"{path}/confirm", {}, key="confirm")
    await eventually(lambda: public and public[-1] == 1, within_s=20)
    await eventually(lambda: promised(city) == 1, within_s=20)
    assert city.get(f"/v1/car-parks/{PARK}")["availability"]["free"] == 2

    passage = {"id": "e1-1", "lane": "E1", "direction": "entry", "vehicle": CAR, "at": clock.now()}
    await device.publish(f"parking/v1/e2e/{PARK}/passages", msgspec.json.encode(passage))
    order = await asyncio.wait_for(orders.get(), 10)
    assert (order.kind, order.lane, order.reason) == ("open_barrier", "E1", "reservation")
    assert (await ask(city, "GET", path))["state"] == "checked_in"
    await eventually(lambda: public[-1] == 0, within_s=20)
    await device.close()
