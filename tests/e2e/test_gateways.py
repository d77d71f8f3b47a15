"""`berth up --gateways`: several of them, one spare, and kill -9 of the one that works."""

import asyncpg
import psutil
import pytest

from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City
from tests.integration.gateway.conftest import Client, now

CAR_PARK = {
    "operator": "two-gateways",
    "name": {"zh": "两个网关", "en": "Two gateways"},
    "position": {"lat": 41.8, "lon": 123.43},
    "kind": "mall",
    "capacity": 10,
    "spaces": [{"label": f"A-{number}"} for number in range(10)],
}


def _gateways(city: City) -> list[psutil.Process]:
    children = psutil.Process(city.process.pid).children()
    return [child for child in children if child.cmdline()[-2:] == ["serve", "gateway"]]


async def _holder(city: City) -> int:
    """The process id of the gateway that holds the only slot; 0 while none does."""
    connection = await asyncpg.connect(city.ready.database)
    try:
        held = "SELECT holder FROM gateway.slot WHERE until > clock_timestamp() AND holder IS NOT NULL"
        holder = await connection.fetchval(held)
    finally:
        await connection.close()
    return int(holder.rpartition(":")[2]) if holder else 0


async def test_a_spare_gateway_takes_over(
    start_city: StartCity, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setenv("BERTH_GATEWAY__PARTITIONS", "1")
    city = start_city("--gateways", "2")
    assert len(_gateways(city)) == 2
    assert city.send("PUT", "/v1/operator/car-parks/two-gateways-1", CAR_PARK) == 201
    device = Client(city.ready.mqtt_v5)
    async with device.connected():
        for number in range(5):
            device.say("spaces", _occupied(number), operator="two-gateways", car_park="two-gateways-1")
        await eventually(lambda: _shows(city, 5))

        first = await _holder(city)
        psutil.Process(first).kill()
        for number in range(5, 10):
            device.say("spaces", _occupied(number), operator="two-gateways", car_park="two-gateways-1")
        await eventually(lambda: _shows(city, 10), within_s=10)
    assert await _holder(city) not in (0, first)
    await eventually(lambda: len(_gateways(city)) == 2, within_s=20)


def _occupied(number: int) -> dict[str, object]:
    return {"space": f"A-{number}", "state": "occupied", "at": now(-1)}


def _shows(city: City, occupied: int) -> bool:
    return bool(city.get("/v1/car-parks/two-gateways-1")["availability"]["occupied"] == occupied)
