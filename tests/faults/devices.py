"""Car parks full of sensors that behave as badly as real ones do: repeats, delays, reboots, equal times. Seeded.

What they say goes into the ledger before it goes on the wire; they are correct about one thing only: a message is sent
again until the broker has acknowledged it.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import msgspec

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from contracts.wire import SpaceEvent, SpacesMessage, up_topic
from kernel.clock import Clock
from tests.faults.ledger import Ledger, Said

OPERATOR = "fault-operator"
CAR_PARKS = 6
SPACES_EACH = 40
MESSAGES_S = 600
"""A city's peak with heartbeats, about 2,500 events a second: enough that every kill hits work in progress."""
_STATES = ("free", "occupied", "free", "occupied", "free", "occupied", "unknown", "out_of_service")


class Devices:
    """All sensors of the faults' small city, with the ledger of what they said. `operators` share the car parks."""

    def __init__(self, seed: int, start: datetime, operators: Sequence[str] = (OPERATOR,)) -> None:
        self._random = random.Random(seed)
        self._at = start
        self._operators = operators
        self._places = [
            (f"fault-{park}", f"B1-{space:03}") for park in range(CAR_PARKS) for space in range(SPACES_EACH)
        ]
        self._seq = dict.fromkeys(self._places, 0)
        self._epoch = dict.fromkeys(self._places, 0)
        self._recent: deque[Said] = deque(maxlen=500)
        self.ledger = Ledger()

    @classmethod
    def of_seed(cls, seed: int, now: datetime, operators: Sequence[str] = (OPERATOR,)) -> "Devices":
        """Devices whose first word was an hour ago, so that none of their times lies in our future."""
        return cls(seed, now - timedelta(hours=1), operators)

    def topic(self, car_park: str = "fault-0", kind: str = "spaces", operator: str | None = None) -> str:
        return up_topic(operator or operator_of(car_park, self._operators), car_park, kind)

    def messages(self, count: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of 1 to 20 events, entered in the ledger as they are made."""
        for _ in range(count):
            car_park = f"fault-{self._random.randrange(CAR_PARKS)}"
            said = [self._next(car_park) for _ in range(self._random.choice((1, 1, 1, 2, 5, 20)))]
            for event in said:
                self.ledger.say(event)
            yield self.topic(car_park), encode(said)

    def _next(self, car_park: str) -> Said:
        dice = self._random.random()
        if dice < 0.05 and self._recent:
            repeated = self._random.choice(self._recent)
            if repeated.car_park == car_park:
                return repeated
        place = (car_park, f"B1-{self._random.randrange(SPACES_EACH):03}")
        if dice < 0.07:
            self._epoch[place] += 1
            self._seq[place] = 0
        self._seq[place] += 1
        if dice > 0.15:
            self._at += timedelta(milliseconds=self._random.randrange(0, 40))
        at = self._at - timedelta(seconds=self._random.randrange(1, 600)) if dice > 0.95 else self._at
        said = Said(*place, at, f"b{self._epoch[place]:04}", self._seq[place], self._random.choice(_STATES))
        self._recent.append(said)
        return said


def encode(said: list[Said]) -> bytes:
    """The message of the contract that says `said`, which is all of one car park."""
    events = [
        SpaceEvent(space=event.space, state=event.state, at=event.at, seq=event.seq, epoch=event.epoch)  # type: ignore[arg-type] # the words are checked by the wire
        for event in said
    ]
    return msgspec.json.encode(SpacesMessage(events=events))


def operator_of(car_park: str, operators: Sequence[str]) -> str:
    """Whose `car_park` is: they go round. One without a number does not exist, and the first speaks for it."""
    number = car_park.rpartition("-")[2]
    return operators[int(number) % len(operators) if number.isdigit() else 0]


async def register(database_url: str, operators: Sequence[str] = (OPERATOR,)) -> None:
    """Enter the small city into the registry, before a gateway reads it."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.executemany(
                "INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ($1, $1, $1, now())",
                [(operator,) for operator in operators],
            )
            for park in range(CAR_PARKS):
                name = f"fault-{park}"
                await connection.execute(
                    "INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone,"
                    " capacity, created_at, updated_at) VALUES ($1, $2, $1, $1, 'mall', 41.8, 123.4, 'Asia/Shanghai',"
                    " $3, now(), now())",
                    name,
                    operator_of(name, operators),
                    SPACES_EACH,
                )
                await connection.executemany(
                    "INSERT INTO registry.space (car_park, label) VALUES ($1, $2)",
                    [(name, f"B1-{space:03}") for space in range(SPACES_EACH)],
                )
    finally:
        await connection.close()


async def speak(devices: Devices, port: int, clock: Clock, *, messages: int, client_id: str = "devices") -> None:
    """Publish `messages` as fast as they go; return when the broker has acknowledged them all."""
    async with Publisher(LOOPBACK, port, client_id, clock) as publisher:
        for topic, payload in devices.messages(messages):
            await publisher.publish(topic, payload)
        await publisher.acknowledged()


@asynccontextmanager
async def speaking(
    devices: Devices, port: int, clock: Clock, *, messages_s: int = MESSAGES_S
) -> AsyncIterator[Publisher]:
    """Publish about `messages_s` a second as long as the block lasts; all is acknowledged when it has ended."""
    over = asyncio.Event()

    async def speak_on(publisher: Publisher) -> None:
        while not over.is_set():
            for topic, payload in devices.messages(messages_s // 20):
                await publisher.publish(topic, payload)
            await clock.sleep(1 / 20)

    async with Publisher(LOOPBACK, port, "devices", clock) as publisher:
        task = asyncio.create_task(speak_on(publisher))
        try:
            yield publisher
        finally:
            over.set()
            await task
        await publisher.acknowledged()
