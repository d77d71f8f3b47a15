"""Reports over HTTP on a running city: told in the same places as over MQTT, and refused in the same places."""

import asyncio
import json
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City
from tests.integration.gateway.conftest import Client, now
from tests.integration.gateway.site import signed

CAMERA = Path(__file__).resolve().parents[1] / "data" / "cameras"
PARK = {
    "operator": "heping",
    "name": {"zh": "和平", "en": "Heping"},
    "position": {"lat": 41.79, "lon": 123.43},
    "capacity": 10,
    "zones": [{"zone": "B1", "capacity": 10}],
    "spaces": [{"space": f"B1-{number:03}", "zone": "B1"} for number in range(1, 11)],
    "lanes": [{"lane": "E1", "direction": "entry"}],
}


def issue(city: City, **wanted: Any) -> str:
    headers = {"Authorization": f"Bearer {city.ready.tokens['operator']}", "Content-Type": "application/json"}
    body = json.dumps({"operator": "heping", "scopes": ["ingest"], **wanted}).encode()
    headers["Idempotency-Key"] = json.dumps(wanted)
    request = urllib.request.Request(city.ready.http + "/v1/operator/keys", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.loads(answer.read())["key"])


def push(city: City, key: str, kind: str, body: object) -> Any:
    raw = json.dumps(body).encode()
    address = f"/v1/ingest/{kind}?car_park=heping-1"
    request = urllib.request.Request(city.ready.http + address, raw, signed(key, address, raw))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.mark.timeout(120)
async def test_a_push_is_on_the_public_topic_and_what_is_refused_on_errors(
    start_city: StartCity, eventually: Eventually
) -> None:
    city = start_city()
    city.send("PUT", "/v1/operator/car-parks/heping-1", PARK)
    city.send(
        "PUT",
        "/v1/operator/devices/cam-1",
        {"profile": "hikvision-isapi", "car_park": "heping-1", "settings": {"lane": "E1", "direction": "entry"}},
    )
    key, camera = issue(city), issue(city, device="cam-1")
    listener = Client(city.ready.mqtt_v5, "parking/v1/public/+", "parking/v1/heping/+/errors", client_id="wall")
    async with listener.connected():
        await eventually(lambda: listener.link.ready)
        for number in range(1, 6):
            said = await asyncio.to_thread(push, city, key, "counts", {"occupied": number, "at": now()})
            assert said["outcomes"] == ["stored"]
            await eventually(partial(_is_occupied, listener, number))
        refused = await asyncio.to_thread(push, city, key, "spaces", {"space": "Z9", "state": "free", "at": now()})
        assert refused["refused"][0]["reason"] == "unknown_space"
        await eventually(lambda: [said["reason"] for said in listener.said("errors")] == ["unknown_space"])

    seen_at = now()
    event = (CAMERA / "hikvision_entry.xml").read_text().replace("2026-11-23T15:59:50+08:00", seen_at).encode()
    url = f"{city.ready.http}/v1/ingest/hikvision/cam-1/{camera}"
    request = urllib.request.Request(url, event, {"Content-Type": "application/xml"})
    await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).close())
    books = "/v1/operator/car-parks/heping-1/ingest"
    operator = city.ready.tokens["operator"]
    await eventually(lambda: city.get(books, operator)["stored"] == 6)
    assert camera.rsplit("_", 1)[1] not in city.log.read_text()


def _is_occupied(listener: Client, number: int) -> bool:
    """By the last word on the public topic."""
    said = listener.said("heping-1")
    return bool(said) and said[-1]["occupied"] == number
