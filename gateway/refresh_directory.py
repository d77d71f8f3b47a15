"""Keeps the directory in step with the registry: asked every second, and at once when somebody unknown speaks.

Reads the revision first and then, for the car parks that changed, what is inside them: a change committed in between is
at worst read twice, never missed.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from contracts.ids import CarParkId, SpaceNumber
from contracts.wire import parse_topic
from gateway import sql
from gateway.cameras.topics import camera_topic
from gateway.devices import names_in
from gateway.directory import Directory, KnownCarPark
from gateway.envelopes.topics import network_topic
from gateway.known_device import KnownDevice, device_key
from kernel.db import Database, Row, Tx
from kernel.parts import in_parts

KEPT_MAX: Final = 1_000
"""Of car parks that push: a city's, at a few hundred spaces each some 50 MB."""
CAR_PARKS_PER_READ: Final = 64
"""Some 25,000 spaces: 30 ms of the loop, and no more rows in memory than that."""


class RegistryCopy:
    """The directory and which revision of the registry it shows. One refresh at a time; the others wait for it."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self.directory = directory
        self._db = db
        self._revision: int | None = None
        self._reading = asyncio.Lock()

    async def refresh(self) -> bool:
        """Read what changed; whether anything did. Raises DatabaseAway and what the database raises."""
        async with self._reading, self._db.transaction(readonly=True) as tx:
            revision = await sql.registry_revision(tx)
            if revision == self._revision:
                return False
            await refresh_directory(tx, self.directory)
            self._revision = revision
            return True


async def refresh_directory(tx: Tx, directory: Directory) -> None:
    """Bring `directory` to what the registry is now, reading only the car parks that changed."""
    held = directory.revisions()
    cards = await sql.car_park_revisions(tx)
    changed = [card for card in cards if held.get(card["id"]) != card["revision"]]
    for part in in_parts(changed, CAR_PARKS_PER_READ):
        directory.replace(await _read(tx, part), gone=())
    directory.replace((), gone=held.keys() - {card["id"] for card in cards})


async def read_car_parks(tx: Tx, ids: Sequence[str]) -> list[KnownCarPark]:
    """These car parks as they are now; those that are not registered are missing."""
    return await _read(tx, await sql.car_park_revisions(tx, ids))


async def read_speaker(tx: Tx, topic: str, payload: bytes) -> list[KnownCarPark]:
    """The car park that `payload` on `topic` can be about, as it is now; several where names of devices differ."""
    parts = parse_topic(topic)
    if parts is not None:
        return await read_car_parks(tx, [parts.car_park])
    camera = camera_topic(topic)
    if camera is not None:
        return await read_cameras(tx, [camera.device])
    network = network_topic(topic)
    if network is None:
        return []
    keys = [device_key(name) for name in names_in(network, payload)]
    return await read_car_parks(tx, await sql.car_parks_of_devices(tx, keys))


async def read_cameras(tx: Tx, devices: Iterable[str]) -> list[KnownCarPark]:
    """The car parks of these cameras, as they are now."""
    return await read_car_parks(tx, await sql.car_parks_of_devices(tx, sorted({device_key(name) for name in devices})))


class KeptCarParks:
    """Copies of car parks that speak over HTTP, read again whenever their revision is another one."""

    def __init__(self) -> None:
        self._kept: dict[str, KnownCarPark] = {}

    async def read(self, tx: Tx, car_park_id: str, operators: Sequence[str] | None) -> KnownCarPark | None:
        """The car park as it is now; None when none of `operators` (None = every one) has registered it."""
        cards = await sql.car_park_revisions(tx, [car_park_id], operators)
        if not cards:
            return None
        kept = self._kept.get(car_park_id)
        if kept is None or kept.revision != cards[0]["revision"]:
            self._kept.pop(car_park_id, None)
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept |= {known.id: known for known in await _read(tx, cards)}
        return self._kept.get(car_park_id)


async def _read(tx: Tx, cards: Sequence[Row]) -> list[KnownCarPark]:
    ids = [CarParkId(card["id"]) for card in cards]
    spaces: dict[str, dict[str, SpaceNumber]] = {car_park_id: {} for car_park_id in ids}
    zones: dict[str, dict[str, int]] = {car_park_id: {} for car_park_id in ids}
    lanes: dict[str, set[str]] = {car_park_id: set() for car_park_id in ids}
    devices: dict[str, list[KnownDevice]] = {car_park_id: [] for car_park_id in ids}
    for car_park, label, number in await sql.spaces_of(tx, ids):
        spaces[car_park][sys.intern(label)] = number
    for car_park, label, capacity in await sql.zones_of(tx, ids):
        zones[car_park][sys.intern(label)] = capacity
    for car_park, label in await sql.lanes_of(tx, ids):
        lanes[car_park].add(sys.intern(label))
    for row in await sql.devices_of(tx, ids):
        device = KnownDevice.of(dict(row))
        devices[device.car_park].append(device)
    return [
        KnownCarPark(
            id=CarParkId(card["id"]),
            operator=sys.intern(card["operator"]),
            capacity=card["capacity"],
            revision=card["revision"],
            spaces=spaces[card["id"]],
            zones=zones[card["id"]],
            lanes=frozenset(lanes[card["id"]]),
            devices=tuple(devices[card["id"]]),
        )
        for card in cards
    ]
