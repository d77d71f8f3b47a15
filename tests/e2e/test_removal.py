"""A car park is taken out of a running city, and put back: what an outsider sees of it over MQTT, SSE and REST."""

import asyncio
import hashlib
import json
import urllib.error
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.outside import City
from tests.mosquitto import Mosquitto

PLACE = "/v1/operator/car-parks/gone-1"
PUBLIC = "parking/v1/public/gone-1"
ERRORS = "parking/v1/op/gone-1/errors"


class Device:
    """Any MQTT client: says how many cars are in, and keeps the last word of what it hears on each topic."""

    def __init__(self, client: Client) -> None:
        self.heard: dict[str, bytes] = {}
        self._client = client

    def subscribe(self, client: Client, *_: object) -> None:
        client.subscribe([(PUBLIC, 0), (ERRORS, 0)])

    def take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard[message.topic] = bytes(message.payload)

    def count(self, occupied: int) -> str:
        """Say it; its hash, by which a refusal names it."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - a device has its own clock
        word = json.dumps({"counts": [{"occupied": occupied, "capacity": 9, "at": at}]}).encode()
        self._client.publish("parking/v1/op/gone-1/counts", word, qos=1)
        return hashlib.sha256(word).hexdigest()

    @property
    def public(self) -> Any:
        """What lies on the public topic, None when nothing does."""
        return json.loads(self.heard.get(PUBLIC) or b"null")

    def was_told(self, reason: str, sha256: str) -> bool:
        """Whether the last refusal is that of this message; what was not acknowledged may be refused twice."""
        told = json.loads(self.heard.get(ERRORS, b"{}"))
        return (told.get("reason"), told.get("sha256")) == (reason, sha256)


@contextmanager
def device(city: City, name: str = "device") -> Iterator[Device]:
    """Connected and subscribed to the public topic and to what is refused."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311)
    made = Device(client)
    client.on_message = made.take
    client.on_connect = made.subscribe
    broker = urlsplit(city.ready.mqtt)
    client.connect(broker.hostname or "", broker.port or 1883)
    client.loop_start()
    yield made
    client.disconnect()
    client.loop_stop()


def register(city: City) -> int:
    body = {"operator": "op", "name": {"zh": "去"}, "position": {"lat": 41.79, "lon": 123.43}, "capacity": 9}
    return city.send("PUT", PLACE, body)


@asynccontextmanager
async def following(city: City) -> AsyncIterator[dict[str, Any]]:
    """What a reader of the contract's deltas makes of the live stream; `removed` is what it was told to forget."""
    shown: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session, session.get(f"{city.ready.http}/v1/live") as stream:

        async def read() -> None:
            name = ""
            async for line in stream.content:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = json.loads(value)
                    if name == "reset":
                        shown.clear()
                    shown.update({item["car_park"]: item for item in data["items"]})
                    for car_park in data.get("removed", ()):
                        del shown[car_park]

        reading = asyncio.create_task(read())
        try:
            yield shown
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_what_is_taken_out_of_the_city_is_nowhere_and_comes_back(
    start_city: StartCity, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """On Mosquitto: the embedded broker may not survive the gateway's kill, and what it had taken goes with it."""
    monkeypatch.setenv("BERTH_MQTT_URL", mosquitto.url)
    city = start_city()
    assert register(city) == 201
    with device(city) as gate:
        async with following(city) as shown:
            gate.count(4)
            await eventually(lambda: gate.public and gate.public["occupied"] == 4)
            await eventually(lambda: "gone-1" in shown and shown["gone-1"]["occupied"] == 4)

            assert city.send("DELETE", PLACE) == 204
            assert city.get("/v1/car-parks")["items"] == []
            with pytest.raises(urllib.error.HTTPError, match="404"):
                city.get("/v1/car-parks/gone-1")
            await eventually(lambda: "gone-1" not in shown)
            await eventually(lambda: PUBLIC in gate.heard and gate.public is None)

            refused = gate.count(5)
            await eventually(lambda: gate.was_told("unknown_car_park", refused))
            assert gate.public is None

            city.child("serve", "gateway").kill()
            with device(city, "newcomer") as newcomer:
                again = gate.count(6)
                await eventually(lambda: gate.was_told("unknown_car_park", again), within_s=30)
                assert newcomer.public is None

            assert register(city) == 201
            await eventually(lambda: gate.public and gate.public["occupied"] == 4)
            gate.count(7)
            await eventually(lambda: gate.public["occupied"] == 7)
            await eventually(lambda: "gone-1" in shown and shown["gone-1"]["occupied"] == 7)
            assert city.get("/v1/car-parks/gone-1")["availability"]["occupied"] == 7
            assert city.send("DELETE", PLACE) == 204
            await eventually(lambda: gate.public is None)  # the broker goes on to the next test


async def test_a_crash_before_the_topic_was_cleared_is_made_good(
    start_city: StartCity, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setenv("BERTH_MQTT_URL", mosquitto.url)
    city = start_city()
    register(city)
    with device(city) as gate:
        gate.count(4)
        await eventually(lambda: gate.public)
        city.child("serve", "gateway").suspend()
        city.send("DELETE", PLACE)
        city.kill()
        again = start_city()
        await eventually(lambda: gate.public is None)
    with device(again, "newcomer") as newcomer:
        refused = newcomer.count(1)
        await eventually(lambda: newcomer.was_told("unknown_car_park", refused))
        assert PUBLIC not in newcomer.heard
