"""Every device that can be read, set up over REST and heard over MQTT on a running city: what drivers then see."""

from typing import Any

import msgspec
import pytest

from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.integration.gateway.conftest import Client
from tests.integration.gateway.lorawan import tts
from tests.unit.gateway.lorawan_frames import FRAMES


@pytest.mark.timeout(120)
async def test_frames_of_every_device_end_as_states_of_spaces(start_city: StartCity, eventually: Eventually) -> None:
    city = start_city()
    sensors: dict[tuple[str, bytes], list[dict[str, Any]]] = {}
    for frame in FRAMES:
        settings = msgspec.json.encode(frame.get("settings", {}), order="sorted")
        sensors.setdefault((frame["profile"], settings), []).append(frame)
    spaces = [f"S{number}" for number in range(len(sensors))]
    park = {
        "operator": "heping",
        "name": "Heping",
        "position": {"lat": 41.79, "lon": 123.43},
        "capacity": len(spaces),
        "spaces": spaces,
    }
    city.send("PUT", "/v1/operator/car-parks/heping-1", park)
    expected: dict[str, str] = {}
    events = refusals = 0
    radio = Client(city.ready.mqtt, client_id="network-server", protocol="3.1.1")
    async with radio.connected():
        await eventually(lambda: radio.link.ready)
        for space, ((profile, settings), frames) in zip(spaces, sensors.items(), strict=True):
            device = {
                "profile": profile,
                "car_park": "heping-1",
                "space": space,
                "settings": msgspec.json.decode(settings),
            }
            city.send("PUT", f"/v1/operator/devices/radio-{space}", device)
            for count, frame in enumerate(frames):
                topic, body = tts(
                    frame["hex"],
                    count=count,
                    device=f"radio-{space.lower()}",
                    port=frame["port"],
                    after_s=3600 * (count - len(frames)),
                )
                radio.link.publish(topic, msgspec.json.encode(body))
                refusals += "reason" in frame
                events += max(1, len(frame.get("states", ())))
                if frame.get("states") and "at" not in frame:
                    expected[space] = frame["states"][-1]
        token = city.ready.tokens["operator"]

        def booked() -> bool:
            books = city.get("/v1/operator/car-parks/heping-1/ingest", token)
            assert (books["received"], books["dead"]) == (events, refusals), books
            return True

        await eventually(booked, within_s=40)
    told = city.get("/v1/car-parks/heping-1/spaces?limit=200")["items"]
    assert {item["space"]: item["state"] for item in told} == {
        space: expected.get(space, "unknown") for space in spaces
    }
    refused = city.get("/v1/operator/rejected?limit=100", token)["items"]
    assert sum(item["count"] for item in refused) == refusals
    assert {item["reason"] for item in refused} == {frame["reason"] for frame in FRAMES if "reason" in frame}
