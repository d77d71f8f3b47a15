"""A car park of a test's own: registered over REST, heard over MQTT by a client that is not ours."""

import json
import urllib.request
from datetime import UTC, datetime
from itertools import count
from urllib.parse import urlsplit

from paho.mqtt import publish
from paho.mqtt.enums import MQTTProtocolVersion

from tests.e2e.outside import City

OPERATOR = "browser-tests"


class OwnCarPark:
    """One that nobody simulates, in the middle of the city."""

    def __init__(self, city: City, car_park: str, *, zh: str, en: str, capacity: int) -> None:
        self.id = car_park
        self.capacity = capacity
        self._city = city
        self._seq = count(1)
        self._put(f"/v1/operator/operators/{OPERATOR}", {"name": {"zh": "浏览器测试", "en": "Browser tests"}})
        self._put(
            f"/v1/operator/car-parks/{car_park}",
            {
                "operator": OPERATOR,
                "name": {"zh": zh, "en": en},
                "position": {"lat": 41.79, "lon": 123.43},
                "capacity": capacity,
                "kind": "mall",
            },
        )

    def _put(self, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {self._city.ready.tokens['operator']}", "Content-Type": "application/json"}
        address = self._city.ready.http + path
        request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="PUT")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def report(self, free: int) -> None:
        """A counter's word for the whole car park."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - a device has its own clock
        counted = {"capacity": self.capacity, "free": free, "at": at, "seq": next(self._seq)}
        broker = urlsplit(self._city.ready.mqtt)
        publish.single(
            f"parking/v1/{OPERATOR}/{self.id}/counts",
            json.dumps({"counts": [counted]}),
            qos=1,
            hostname=broker.hostname or "",
            port=broker.port or 1883,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
