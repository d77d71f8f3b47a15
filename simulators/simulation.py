"""A city and its car parks from tick to tick: live, tell what changed and whose heartbeat is due, obey orders.

The city's time runs `speed` times as fast as ours, from the hour it is now. What happens is told with our own time, so
nothing lies in the future. Every second of ours is one tick.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from contracts.wire import OrderMessage, SpaceEvent, parse_topic
from simulators.built import built
from simulators.cameras import CameraPlan, came_before
from simulators.car_park import CarPark, Change, Message, Taken
from simulators.city import City, Place
from simulators.clock import Clock
from simulators.demand import DAY_S
from simulators.faults import FaultPlan, FaultySensors
from simulators.obedience import Obedience
from simulators.operator_api import CarParkHeld
from simulators.speakers import Speakers

TICK_S: Final = 1.0
HEARTBEAT_S: Final = 600.0
"""Every sensor speaks at least this often, as LoRaWAN parking sensors do; counters every tenth of it."""
_HEARTBEAT_SPACES_MAX: Final = 64
_PROGRESS_S: Final = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CityProgress:
    """What a simulation has done so far. `city_time` is the wall clock of the city, `taken` the share of its spaces."""

    car_parks: int
    spaces: int
    city_time: datetime
    taken: float
    changes: int
    messages: int
    orders: int
    refused: int


class Simulation:
    """A city and its car parks, from tick to tick."""

    def __init__(
        self,
        held: Sequence[CarParkHeld],
        clock: Clock,
        *,
        seed: int,
        speed: float,
        zone: ZoneInfo,
        faults: FaultPlan,
        cameras: CameraPlan | None = None,
        overhear: Callable[[str, OrderMessage], None] | None = None,
    ) -> None:
        """`cameras` None: every lane reads every plate. `overhear` is told of every order, by car park."""
        if speed <= 0:
            raise ValueError("speed must be positive")
        self._clock = clock
        self._speed = speed
        self._started = _whole_ms(clock.now())
        local = self._started.astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        self._from_s = local.weekday() * DAY_S + (local - midnight).total_seconds()
        self._local = local
        self._car_parks, with_cameras = built(held, cameras, seed=seed, started=self._started)
        self.with_cameras = [self._car_parks[number].id for number in with_cameras]
        self._numbers = {each.id: number for number, each in enumerate(self._car_parks)}
        places = [Place(each.id, of.kind, each.layout.slots) for each, of in zip(self._car_parks, held, strict=True)]
        self._city = City(places, seed=seed, now_s=self._from_s, vehicles_from=_vehicles_from(self._started))
        for number in with_cameras:
            inside = self._city.vehicles[self._city.starts[number] : self._city.starts[number + 1]]
            there = inside[self._taken(number)].tolist()
            self._car_parks[number].came_before = came_before(there, self._started)
        self._overhear = overhear
        self._faults = [FaultySensors(faults, each.id) for each in self._car_parks] if not faults.is_harmless else None
        self._beats = [0] * len(self._car_parks)
        self._obedience = Obedience(self._car_parks, faults)
        self._seen: list[tuple[int, Message]] = []
        self._changes = self._messages = self._refused = 0

    def car_park(self, car_park: str) -> CarPark:
        return self._car_parks[self._numbers[car_park]]

    def hear(self, topic: str, payload: bytes) -> None:
        """Take note of an order or of a refusal."""
        parts = parse_topic(topic)
        if parts is None or parts.car_park not in self._numbers:
            return
        if parts.kind == "errors":
            self._refused += 1
            _log.warning("refused: %s", payload[:500].decode(errors="replace"))
            return
        with contextlib.suppress(msgspec.DecodeError):
            order = msgspec.json.decode(payload, type=OrderMessage)
            if self._overhear is not None:
                self._overhear(parts.car_park, order)
            self._obedience.hear(self._numbers[parts.car_park], order)

    def enter(self, car_park: str, vehicle: int) -> str:
        """A guest stands before a gate: what its camera tells. The lane."""
        return self._pass(car_park, vehicle, entry=True)

    def leave(self, car_park: str, vehicle: int) -> str:
        """A guest drives out through a gate. The lane."""
        return self._pass(car_park, vehicle, entry=False)

    def park(self, car_park: str, vehicle: int, space: str | None) -> int | None:
        """A guest who was let in takes `space`, or any; its slot, None when somebody stands there."""
        number = self._numbers[car_park]
        sensors = self._car_parks[number].layout.sensors
        slot = (
            sensors.index(space) if space is not None and space in sensors else None
        )  # what has no sensor has no place of its own
        return self._city.park(number, vehicle, slot)

    def unpark(self, car_park: str, slot: int) -> None:
        """The guest drives off."""
        self._city.unpark(self._numbers[car_park], slot)

    def _pass(self, car_park: str, vehicle: int, *, entry: bool) -> str:
        number = self._numbers[car_park]
        if not self._car_parks[number].layout.entries:  # else it is counted, and told, with the slot
            seen = self._car_parks[number].passage(vehicle, _whole_ms(self._clock.now()), entry=entry)
            self._seen.append((number, seen))
        return self._car_parks[number].gate_of(vehicle, entry=entry)

    async def run(self, speakers: Speakers, on_progress: Callable[[CityProgress], None] | None) -> None:
        """Tell everything once, then what changes, for ever."""
        await self.introduce_all(speakers)
        began = told = self._clock.monotonic()
        ticks = 0
        while True:
            if on_progress is not None and (ticks == 0 or self._clock.monotonic() - told >= _PROGRESS_S):
                told = self._clock.monotonic()
                on_progress(self.progress())
            ticks += 1
            # After a pause (a broker that was away) the ticks missed are one long tick.
            behind_s = self._clock.monotonic() - began - ticks * TICK_S
            ticks += max(0, int(behind_s // TICK_S))
            await self._obey_until(speakers, -behind_s)
            await self.tick(speakers)

    async def introduce_all(self, speakers: Speakers) -> None:
        """Every car park's status and snapshot."""
        for number in range(len(self._car_parks)):
            await self._introduce(speakers, number)

    async def tick(self, speakers: Speakers) -> None:
        """Live until now and tell about it."""
        now = _whole_ms(self._clock.now())
        for key in speakers.back_again():
            await self._introduce(speakers, self._numbers[key])
        elapsed_s = (now - self._started).total_seconds()
        seen, self._seen = self._seen, []
        for number, passage in seen:
            await self._publish(speakers, number, passage)
        changes = self._live(elapsed_s)
        for number in range(len(self._car_parks)):
            mine = changes.get(number, ())
            events, messages = self._car_parks[number].changed(mine) if mine else ([], [])
            self._changes += len(mine)
            self._beat(number, elapsed_s, now, events, messages)
            if events or messages or self._faults is not None:
                await self._tell(speakers, number, events, messages)
            if self._faults is not None and self._faults[number].reconnects():
                self._car_parks[number].restart(now)
                await self._introduce(speakers, number)
        await self.obey_all(speakers)

    async def obey_all(self, speakers: Speakers) -> None:
        """Do what was ordered, and send the answers that are due."""
        now = self._clock.now()
        for number in self._obedience.obey(now):
            await self._show(speakers, number)
        for number, answer in self._obedience.answers(now):
            await self._publish(speakers, number, answer)

    async def _obey_until(self, speakers: Speakers, seconds: float) -> None:
        """Wait `seconds`; whoever stands before a barrier does not."""
        pause = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            while not pause.done():
                ordered = asyncio.ensure_future(self._obedience.heard.wait())
                await asyncio.wait([pause, ordered], return_when=asyncio.FIRST_COMPLETED)
                ordered.cancel()
                await self.obey_all(speakers)
        finally:
            pause.cancel()

    async def say_goodbye(self, speakers: Speakers) -> None:
        """Every car park's status, offline."""
        now = self._clock.now()
        for car_park in self._car_parks:
            await speakers.publish(car_park.id, car_park.status(now, online=False))

    def progress(self) -> CityProgress:
        return CityProgress(
            len(self._car_parks),
            len(self._city.taken),
            self._local + timedelta(seconds=self._city.now_s - self._from_s),
            float(self._city.taken.mean()) if len(self._city.taken) else 0.0,
            self._changes,
            self._messages,
            self._obedience.done,
            self._refused,
        )

    def _live(self, elapsed_s: float) -> dict[int, list[Change]]:
        """What happened since the last tick, by car park: in our time, after the last tick and never after this one."""
        found = self._city.advance(self._from_s + elapsed_s * self._speed)
        offsets_ms = np.round((found.at_s - self._from_s) / self._speed * 1000, 3)
        offsets_ms = np.minimum(np.floor(offsets_ms) + 1, round(elapsed_s * 1000))
        slots = found.slots - self._city.starts[found.car_parks]
        changes: dict[int, list[Change]] = {}
        columns = (found.car_parks, slots, found.taken, offsets_ms, found.vehicles)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for number, slot, taken, offset_ms, vehicle in rows:
            at = self._started + timedelta(milliseconds=offset_ms)
            changes.setdefault(number, []).append(Change(slot, taken, at, vehicle))
        return changes

    def _beat(
        self, number: int, elapsed_s: float, now: datetime, events: list[SpaceEvent], messages: list[Message]
    ) -> None:
        """Heartbeats, spread: some of a car park's sensors at a time, and all its counters."""
        car_park = self._car_parks[number]
        sensed, counters = len(car_park.sensed), len(car_park.layout.counters)
        parts = max(-(-sensed // _HEARTBEAT_SPACES_MAX), 10 if counters else 1)
        due = int((elapsed_s / HEARTBEAT_S + number * 0.618 % 1.0) * parts)
        if due <= self._beats[number]:
            return
        self._beats[number] = due
        if sensed:
            step = -(-sensed // parts)
            first = due % parts * step
            events += car_park.states(self._taken(number), car_park.sensed[first : first + step], now)
        if counters:
            messages += car_park.counts(now)

    async def _introduce(self, speakers: Speakers, number: int) -> None:
        """Status and snapshot."""
        await self._publish(speakers, number, self._car_parks[number].status(self._clock.now(), online=True))
        await self._show(speakers, number)

    async def _show(self, speakers: Speakers, number: int) -> None:
        """A snapshot, of the moment until which the city has lived: what happens next must be newer."""
        as_of = _whole_ms(self._started + timedelta(seconds=(self._city.now_s - self._from_s) / self._speed))
        await self._tell(speakers, number, *self._car_parks[number].snapshot(self._taken(number), as_of))

    async def _tell(
        self, speakers: Speakers, number: int, events: Sequence[SpaceEvent], messages: Sequence[Message]
    ) -> None:
        if self._faults is not None:
            sensors = self._faults[number]
            events = sensors.told(events, self._clock.now())
            messages = [*messages, *(message for message in messages if sensors.repeats())]
        for message in (*self._car_parks[number].spaces(events), *messages):
            await self._publish(speakers, number, message)

    async def _publish(self, speakers: Speakers, number: int, message: Message) -> None:
        self._messages += 1
        await speakers.publish(self._car_parks[number].id, message)

    def _taken(self, number: int) -> Taken:
        return self._city.taken[self._city.starts[number] : self._city.starts[number + 1]]


def _vehicles_from(started: datetime) -> int:
    """Of each minute others, a million and more, and below those of drivers."""
    return int(started.timestamp()) // 60 % 900_000 * 1_000_000


def _whole_ms(at: datetime) -> datetime:
    """Devices tell milliseconds, rounded down: so what comes later is never told as earlier."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
