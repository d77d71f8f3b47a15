"""A car park of a test's own: registered over REST, heard over MQTT by a client that is not ours."""

import json
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
        city.send("PUT", f"/v1/operator/operators/{OPERATOR}", {"name": {"zh": "浏览器测试", "en": "Browser tests"}})
        city.send(
            "PUT",
            f"/v1/operator/car-parks/{car_park}",
            {
                "operator": OPERATOR,
                "name": {"zh": zh, "en": en},
                "position": {"lat": 41.79, "lon": 123.43},
                "capacity": capacity,
                "kind": "mall",
            },
        )

    def remove(self) -> None:
        """Take it out of the city."""
        self._city.send("DELETE", f"/v1/operator/car-parks/{self.id}")

    def report(self, free: int) -> None:
        """A counter's word for the whole car park."""
        self._report({"free": free})

    def overcount(self, by: int) -> None:
        """The word of a counter that has drifted: so many more cars than spaces."""
        self._report({"occupied": self.capacity + by})

    def _report(self, told: dict[str, int]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - a device has its own clock
        counted = {"capacity": self.capacity, **told, "at": at, "seq": next(self._seq)}
        broker = urlsplit(self._city.ready.mqtt)
        publish.single(
            f"parking/v1/{OPERATOR}/{self.id}/counts",
            json.dumps({"counts": [counted]}),
            qos=1,
            hostname=broker.hostname or "",
            port=broker.port or 1883,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
