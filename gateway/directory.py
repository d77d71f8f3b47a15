"""The registry as the decoder needs it, in memory: which labels exist, and the numbers we know them by.

Pure: `refresh_directory` reads the registry into it, `decode` asks it. 250,000 spaces stay small because labels recur
in every car park and are interned; a car park is replaced as a whole, never edited.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from contracts.ids import CarParkId, SpaceNumber
from contracts.wire import parse_topic
from gateway.cameras.topics import CameraTopic, camera_topic
from gateway.envelopes.topics import NetworkTopic, network_topic
from gateway.known_device import KnownDevice, device_key
from gateway.refusals import Reason

TOPICS_REMEMBERED_MAX: Final = 20_000
"""Topics taken apart once: 5 for each of 608 car parks, and room for nonsense before everything is forgotten."""


class KnownCarPark(Struct, frozen=True):
    """One car park: whose it is and what is inside. `revision` says which state of the registry this is."""

    id: CarParkId
    operator: str
    capacity: int
    revision: str
    spaces: Mapping[str, SpaceNumber]
    zones: Mapping[str, int]
    lanes: frozenset[str]
    devices: tuple[KnownDevice, ...] = ()


class Speaker(Struct, frozen=True, gc=False):
    """Who speaks on a topic: a car park we know, a camera or a network server for its devices, or none and why."""

    kind: str
    car_park: KnownCarPark | None
    refusal: Reason | None = None
    detail: str = ""
    network: NetworkTopic | None = None
    camera: CameraTopic | None = None


ELSEWHERE: Final = "elsewhere"
"""The kind of every topic of an operator to whom another gateway listens."""


class Directory:
    """All car parks by id; ids are unique in the city, so the operator in a topic is only checked."""

    def __init__(self, car_parks: Iterable[KnownCarPark] = ()) -> None:
        self._car_parks: dict[CarParkId, KnownCarPark] = {}
        self._devices: dict[str, KnownDevice] = {}
        self._speakers: dict[str, Speaker] = {}
        self._elsewhere: frozenset[str] = frozenset()
        self.version = 0
        """Another one whenever anything in here may have changed."""
        self.replace(car_parks, gone=())

    def __len__(self) -> int:
        return len(self._car_parks)

    def revisions(self) -> dict[CarParkId, str]:
        """Which state of each car park is held."""
        return {car_park.id: car_park.revision for car_park in self._car_parks.values()}

    def replace(self, changed: Iterable[KnownCarPark], gone: Iterable[CarParkId]) -> None:
        """Take over the new state of `changed`, forget `gone`."""
        for car_park in changed:
            self._forget_devices(self._car_parks.get(car_park.id))
            self._car_parks[car_park.id] = car_park
            self._devices.update((device.key, device) for device in car_park.devices)
        for car_park_id in gone:
            self._forget_devices(self._car_parks.pop(car_park_id, None))
        self._speakers.clear()
        self.version += 1

    def _forget_devices(self, car_park: KnownCarPark | None) -> None:
        """All but those that another car park has taken over meanwhile."""
        for device in () if car_park is None else car_park.devices:
            key = device.key
            if self._devices.get(key) is device:
                del self._devices[key]

    def operators(self) -> frozenset[str]:
        """Everyone who has a car park."""
        return frozenset(car_park.operator for car_park in self._car_parks.values())

    def leave_to_others(self, operators: frozenset[str]) -> None:
        """From now on `operators`, and no others, are heard by another gateway."""
        if operators != self._elsewhere:
            self._elsewhere = operators
            self._speakers.clear()

    def car_park(self, car_park_id: str) -> KnownCarPark | None:
        return self._car_parks.get(CarParkId(car_park_id))

    def device(self, name: str) -> KnownDevice | None:
        """The device that its network calls `name`, or whose DevEUI that is."""
        return self._devices.get(device_key(name))

    def car_park_of(self, name: str) -> KnownCarPark | None:
        """Where that device is."""
        device = self.device(name)
        return None if device is None else self.car_park(device.car_park)

    def speaker(self, topic: str) -> Speaker:
        """Who speaks on `topic`; the answer is remembered until the registry changes, unless it is a network server's,
        which has a topic for every sensor of the city."""
        known = self._speakers.get(topic)
        if known is None:
            network = network_topic(topic)
            if network is not None:
                return Speaker("", None, network=network)
            camera = camera_topic(topic)
            if camera is not None:
                return Speaker("", None, camera=camera)
            if len(self._speakers) >= TOPICS_REMEMBERED_MAX:
                self._speakers.clear()
            known = self._speakers[topic] = self._find(topic)
        return known

    def _find(self, topic: str) -> Speaker:
        parts = parse_topic(topic)
        if parts is None:
            return Speaker("", None, Reason.UNKNOWN_TOPIC, "not of the form parking/v1/{operator}/{car_park}/{kind}")
        if parts.operator in self._elsewhere:
            return Speaker(ELSEWHERE, None)
        car_park = self.car_park(parts.car_park)
        if car_park is None:
            return Speaker(parts.kind, None, Reason.UNKNOWN_CAR_PARK, f"no car park {parts.car_park!r} is registered")
        if car_park.operator != parts.operator:
            detail = f"car park {parts.car_park!r} does not belong to operator {parts.operator!r}"
            return Speaker(parts.kind, None, Reason.FOREIGN_CAR_PARK, detail)
        return Speaker(parts.kind, car_park)
