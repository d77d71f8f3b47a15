"""A private space is lent, booked, entered, overstayed and given back: over the simulators, on a running city."""

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kernel.clock import SystemClock
from kernel.ids import new_id
from simulators.driver_api import DriverApi
from simulators.drivers import Drivers
from simulators.faults import FaultPlan
from simulators.operator_api import OperatorApi
from simulators.simulation import Simulation
from simulators.speakers import Speakers
from simulators.trips import Trip
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City, berth

PARK = "garden-1"
CAR_PARK = {
    "operator": "garden",
    "name": {"zh": "花园小区", "en": "Garden"},
    "position": {"lat": 41.8, "lon": 123.43},
    "capacity": 40,
    "kind": "residential",
    "measured_by": "spaces",
    "spaces": [f"P-{number:02}" for number in range(1, 41)],
    "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
}
POLICY = {"stay_s_min": 60, "exit_grace_s": 0, "overstay_per_hour": 6_000, "early_s": 0}
ALWAYS = {"rrule": "FREQ=DAILY", "from_time": "00:00", "until_time": "24:00", "starts_on": "2026-01-01"}


def ask(city: City, token: str, method: str, path: str, body: object = None) -> Any:
    """As the app asks."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = new_id("key", SystemClock().now())
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(city.ready.http + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def a_free_space(city: City) -> str | None:
    """One that its sensor says is free."""
    spaces = city.get(f"/v1/car-parks/{PARK}/spaces")["items"]
    return next((space["space"] for space in spaces if space["state"] == "free"), None)


@asynccontextmanager
async def simulated(city: City) -> AsyncIterator[Simulation]:
    """The car park's devices, alive."""
    clock = SystemClock()
    async with OperatorApi(city.ready.http, city.ready.tokens["operator"]) as api:
        held = [each async for each in api.inventory()]
    simulation = Simulation(
        held, clock, seed=1, speed=0.001, zone=ZoneInfo("Asia/Shanghai"), faults=FaultPlan(1, silent=0.0)
    )
    speakers = Speakers(
        city.ready.mqtt,
        clock,
        {each.id: (each.operator, simulation.car_park(each.id)) for each in held},
        name="garden",
        connections="shared",
        hear=simulation.hear,
        ledger=None,
        mqtt_version="3.1.1",
    )
    await speakers.open()
    living = asyncio.create_task(simulation.run(speakers, None))
    try:
        yield simulation
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await speakers.close()


@pytest.mark.timeout(180)
async def test_a_shared_space_is_booked_entered_overstayed_and_returned(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city()
    city.send("PUT", f"/v1/operator/car-parks/{PARK}", CAR_PARK)
    city.send("PUT", f"/v1/operator/car-parks/{PARK}/reservation-policy", POLICY)
    made = await asyncio.to_thread(_tokens, city, "owner", "guest")
    owner, guest, operator = made["owner"], made["guest"], city.ready.tokens["operator"]
    async with simulated(city) as simulation, DriverApi(city.ready.http) as api:
        space = await eventually(lambda: asyncio.to_thread(a_free_space, city))
        wanted = {
            "car_park": PARK,
            "space": space,
            "windows": [ALWAYS],
            "price": {"amount": 1_200, "currency": "CNY"},
            "owner_share_bp": 7_000,
        }
        listing = ask(city, owner, "POST", "/v1/listings", wanted)["id"]
        ask(city, operator, "POST", f"/v1/operator/listings/{listing}/approve", {})
        drivers = Drivers(api, simulation, SystemClock(), {"guest": guest}, [PARK])
        # The stay began almost five minutes ago and ends in fifteen seconds; he leaves half a minute late.
        trip = Trip("overstays", PARK, 0.0, ahead_s=-285.0, stay_s=300.0, arrives_s=286.0, leaves_s=30.0)
        going = asyncio.create_task(drivers.trip(0, guest, trip))

        def mine() -> Any:
            items = ask(city, guest, "GET", "/v1/reservations")["items"]
            assert len(items) == 1, items
            return items[0]

        def inside_too_long() -> bool:
            stay = mine()
            assert stay["overstaying"], (stay, going)
            assert (stay["state"], stay["space"]) == ("checked_in", space)
            return True

        await eventually(lambda: asyncio.to_thread(inside_too_long), within_s=60)
        assert simulation.car_park(PARK).equipment.opened["E1"] == 1
        assert await asyncio.wait_for(going, 60) == "completed"

    stay = mine()
    assert (stay["state"], stay["price"]["amount"]) == ("completed", 100)
    assert stay["fee"]["amount"] >= 100, "a started minute beyond the end, at sixty yuan an hour"
    earned = ask(city, owner, "GET", f"/v1/listings/{listing}/earnings")
    assert stay["id"] in json.dumps(earned)
    with pytest.raises(urllib.error.HTTPError):
        ask(city, guest, "GET", f"/v1/listings/{listing}/earnings")


def _tokens(city: City, *drivers: str) -> dict[str, str]:
    said = [word for driver in drivers for word in ("--driver", driver)]
    command = berth("token", *said, "--data-dir", str(city.data_dir), "--json")
    made: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return made
