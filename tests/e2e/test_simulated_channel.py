"""`berth simulate-channel` beside `berth up`: WeChat Pay over HTTP, signed both ways, told late and twice."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.processes import free_port
from contracts.wire import Plate
from tests.conftest import Eventually
from tests.e2e.asking import Api, token_of
from tests.e2e.conftest import StartCity
from tests.e2e.gates import gate_of
from tests.e2e.outside import berth

PARK = "wechat-1"
CAR_PARK = {
    "operator": "wechat",
    "name": {"zh": "微信停车场", "en": "WeChat"},
    "position": {"lat": 41.78, "lon": 123.43},
    "capacity": 40,
    "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
}
TARIFF = {
    "name": {"zh": "每小时5元", "en": "5 yuan an hour"},
    "plans": [{"id": "all", "charge": {"kind": "units", "steps": [{"amount": 500, "unit_min": 60}]}}],
    "valid_from": "2026-01-01T00:00:00+08:00",
}
CAR = Plate("辽A12345", "blue")


class Channels:
    """What the command printed, and a way to ask what the channel knows."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.settings: dict[str, str] = said["settings"]
        self._api = Api(said["url"])

    async def truth(self) -> Any:
        return await self._api.ask(None, "GET", "/_simulator/wechat/truth")

    async def told(self) -> list[Any]:
        found: list[Any] = (await self._api.ask(None, "GET", "/_simulator/wechat/told"))["told"]
        return found


@pytest.fixture
def port() -> int:
    """Of the city, which the channel has to know."""
    return free_port()


@pytest.fixture
def channels(tmp_path: Path, port: int) -> Iterator[Channels]:
    """Every notice comes twice, and in one of three the first one is forged."""
    said = [
        "--port",
        "0",
        "--json",
        "--public-url",
        f"http://127.0.0.1:{port}",
        "--data-dir",
        str(tmp_path / "channel"),
    ]
    command = berth("simulate-channel", *said, "--fault", "twice=1", "--fault", "bad_signature=0.3", "--seed", "1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Channels(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            assert process.wait(15) == 0


@pytest.mark.timeout(240)
async def test_wechat_collects_from_a_car_that_left_first(
    channels: Channels, start_city: StartCity, port: int, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in channels.settings.items():
        monkeypatch.setenv(name, value)
    city = start_city("--port", str(port))
    operator, driver = city.ready.tokens["operator"], await asyncio.to_thread(token_of, city, "ann")
    api = Api(city.ready.http)
    city.send("PUT", f"/v1/operator/car-parks/{PARK}", CAR_PARK)
    await api.ask(operator, "PUT", f"/v1/operator/car-parks/{PARK}/tariff", TARIFF)
    wanted = {"vehicle": {"plate": CAR.plate, "color": CAR.color}, "channel": "wechat", "contract": "openid-ann"}
    await api.ask(driver, "POST", "/v1/agreements", wanted)

    async def is_active() -> bool:
        return [one["state"] for one in await api.items(driver, "/v1/agreements")] == ["active"]

    await eventually(is_active, within_s=30)
    async with gate_of(PARK, city.ready.http, city.ready.mqtt, operator) as gate:
        await gate.sees(CAR, "E1", ago=timedelta(minutes=100))
        await gate.sees(CAR, "X1")
        await eventually(lambda: gate.opened("X1") == 1, within_s=30)

    async def is_paid() -> bool:
        charges = await api.items(driver, "/v1/charges?state=paid")
        return [(one["paid"]["amount"], one["channel"]) for one in charges] == [(1_000, "wechat")]

    await eventually(is_paid, within_s=60)
    (order,) = (await channels.truth())["orders"]
    assert (order["state"], order["amount"], order["plate"]["plate"]) == ("succeeded", 1_000, CAR.plate)

    async def is_told_twice() -> bool:
        return len([one for one in await channels.told() if one["is_taken"]]) >= 2

    await eventually(is_told_twice, within_s=30)
    assert [one["amount"]["amount"] for one in await api.items(driver, "/v1/payments")] == [1_000]
