"""Two car parks live through the same day on a running city, one with bad sensors: what drivers and operators see."""

import asyncio
from typing import Any

import pytest

from kernel.clock import SystemClock
from simulators.faults import FaultPlan
from simulators.simulate import simulate_city
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity

FAULTS = FaultPlan(seed=7, lost=0.2, clock_ahead=0.3, clock_off_s=(60, 600), late=0.2, late_s=(3, 20), silent=0.1)


def park(name: str) -> dict[str, Any]:
    spaces = [f"A-{number:03}" for number in range(80)]
    return {
        "operator": "op",
        "name": name,
        "position": {"lat": 41.79, "lon": 123.43},
        "kind": "mall",
        "capacity": len(spaces),
        "measured_by": "spaces",
        "spaces": spaces,
    }


@pytest.mark.timeout(180)
async def test_bad_sensors_lower_the_score_with_their_reasons_and_good_ones_do_not(
    start_city: StartCity, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_OCCUPANCY__HEALTH_S", "1")
    city = start_city()
    token = city.ready.tokens["operator"]
    for name in ("clean", "faulty"):
        city.send("PUT", f"/v1/operator/car-parks/{name}", park(name))
    living = [
        asyncio.create_task(
            simulate_city(
                http_url=city.ready.http,
                mqtt_url=city.ready.mqtt,
                token=token,
                clock=SystemClock(),
                seed=3,
                speed=300,
                faults=faults,
                car_parks=[name],
            )
        )
        for name, faults in (("clean", None), ("faulty", FAULTS))
    ]

    async def told() -> bool:
        page = await asyncio.to_thread(city.get, "/v1/operator/health", token)
        worst, best = page["items"]
        codes = {reason["code"] for reason in worst["quality_reasons"]}
        assert (worst["car_park"], best["car_park"]) == ("faulty", "clean")
        assert codes >= {"lost", "late", "clock_ahead", "unknown_spaces"}, page
        assert worst["quality"] <= 75, page
        assert best["quality"] >= 95, page
        return True

    await eventually(told, within_s=90)

    async def shown() -> bool:
        path = "/v1/car-parks?min_quality=90"
        assert [card["id"] for card in (await asyncio.to_thread(city.get, path))["items"]] == ["clean"]
        card = await asyncio.to_thread(city.get, "/v1/car-parks/faulty")
        lowered = round(100 - sum(reason["points"] for reason in card["quality_reasons"]))
        assert card["quality"] == lowered <= 75
        return True

    await eventually(shown, within_s=60)
    health = await asyncio.to_thread(city.get, "/v1/operator/car-parks/faulty/health", token)
    figures = health["last_24h"]
    assert figures["lost"] > 0
    assert figures["clock_ahead"] > 0
    assert figures["received"] == sum(figures[part] for part in ("stored", "duplicate", "late", "rejected"))
    devices = await asyncio.to_thread(city.get, "/v1/operator/car-parks/clean/devices?limit=1000", token)
    assert len(devices["items"]) == 80
    assert not any(device["silent"] for device in devices["items"])
    for task in living:
        task.cancel()
    await asyncio.gather(*living, return_exceptions=True)
