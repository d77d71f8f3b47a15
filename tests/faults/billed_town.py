"""Car parks whose vehicles come, go and pay while everything is killed, and the book of what they did and were told.

Each vehicle is said over MQTT and sent again until the broker has it; half of them have agreed to be collected from,
the others open the page behind their charge and pay it, some of them twice, by two channels. An operator gives some of
it back and closes days before their end. Whoever gets no answer over HTTP asks again, in the same words.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import asyncpg
import msgspec
import orjson

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from contracts.wire import PassageMessage, Plate, up_topic
from kernel.clock import Clock
from kernel.ids import new_id
from simulators.payment_channel.server import SimulatedChannels
from tests.faults.devices import CAR_PARKS, OPERATOR

CHANNELS: Final = ("wechat", "alipay")
FEE_OF_QUARTER: Final = 125
TARIFF: Final = {
    "name": {"zh": "每刻钟1.25元", "en": "1.25 yuan a quarter of an hour"},
    "plans": [
        {"id": "all", "charge": {"kind": "units", "steps": [{"amount": FEE_OF_QUARTER, "unit_min": 15}]}},
    ],
}
COMES_TWICE, SAID_TWICE, PAYS_TWICE, REFUNDED = 0.2, 0.1, 0.2, 0.15
PATIENCE_S: Final = 60.0
_AGREED: Final = """
INSERT INTO billing.agreement (id, driver, plate, color, channel, contract, state, created_at, updated_at)
SELECT 'agr_' || plate, 'driver-' || plate, plate, 'blue', $2, 'openid-' || plate, 'active', now(), now()
FROM unnest($1::text[]) AS plate
"""
_TARIFFS: Final = """
INSERT INTO billing.tariff (id, car_park, number, document, valid_from, created_at, created_by)
SELECT 'tar_' || id, id, 1, $1::text::jsonb, now() - interval '7 days', now(), 'test' FROM registry.car_park
"""
_DUE: Final = "SELECT id FROM billing.charge WHERE state IN ('due', 'overdue') AND due_at <= now() ORDER BY id"
_PAID: Final = "SELECT id, amount FROM billing.charge WHERE state = 'paid' ORDER BY id"
_DAYS: Final = "SELECT id FROM billing.settlement WHERE state = 'open' ORDER BY id"


@dataclass(frozen=True, slots=True)
class Stay:
    """One pair of passages, both with the broker: in the end one session and one charge."""

    car_park: str
    plate: str
    entry: str
    exit: str
    minutes: int

    @property
    def fee(self) -> int:
        """Fen, counted in our own way."""
        return FEE_OF_QUARTER * -(-self.minutes // 15)


@dataclass
class Book:
    """What was said and what was answered."""

    stays: list[Stay] = field(default_factory=list)
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Charge and fen of each refund that was answered."""
    frozen: set[str] = field(default_factory=set)
    cut_off: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class BilledTown:
    """See the module. `key` is an operator's."""

    clock: Clock
    dice: random.Random
    database_url: str
    api_url: str
    session: aiohttp.ClientSession
    channels: SimulatedChannels
    key: str
    book: Book = field(default_factory=Book)
    _paid_once: set[str] = field(default_factory=set)
    _looked_at: set[str] = field(default_factory=set)

    async def open(self, vehicles: int) -> None:
        """Tariffs, and the agreement of every second vehicle."""
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute(_TARIFFS, orjson.dumps({"time_zone": "Asia/Shanghai", **TARIFF}).decode())
            for number, channel in enumerate(CHANNELS):
                await connection.execute(_AGREED, [_plate(n) for n in range(2 * number, vehicles, 4)], channel)
        finally:
            await connection.close()

    async def drive(self, publisher: Publisher, vehicle: int) -> None:
        """It comes and goes, some of them twice; said as fast as the line takes it."""
        now = self.clock.now()
        if self.dice.random() < COMES_TWICE:
            await self._stay(publisher, vehicle, "a", now - timedelta(hours=30), self.dice.choice((20, 50, 95)))
        await self._stay(publisher, vehicle, "b", None, self.dice.choice((10, 40, 130)))

    async def _stay(self, publisher: Publisher, vehicle: int, visit: str, left: datetime | None, minutes: int) -> None:
        """`left` None: it leaves now."""
        car_park, name = f"fault-{vehicle % CAR_PARKS}", f"{vehicle}-{visit}"
        exit_at = left or self.clock.now()
        stay = Stay(car_park, _plate(vehicle), f"in-{name}", f"out-{name}", minutes)
        for passage, direction, at in (
            (stay.entry, "entry", exit_at - timedelta(minutes=minutes - 1)),
            (stay.exit, "exit", exit_at),
        ):
            message = PassageMessage(
                id=passage,
                lane=f"{direction}-{vehicle % 7}",
                direction=direction,  # type: ignore[arg-type]  # the words are checked by the wire
                vehicle=Plate(stay.plate, "blue"),
                class_="small",
                at=at,
                confidence=0.99,
            )
            for _ in range(2 if self.dice.random() < SAID_TWICE else 1):
                await publisher.publish(up_topic(OPERATOR, car_park, "passages"), msgspec.json.encode(message))
        self.book.stays.append(stay)

    async def pay_some(self) -> None:
        """Whoever is asked opens the page of his charge; whoever was shown a code by a channel pays it there."""
        for charge in await self._rows(_DUE):
            first, other = self.dice.sample(CHANNELS, 2)
            await self._post(f"/pay/{charge['id']}/{first}", again_s=0)
            if charge["id"] not in self._paid_once and self.dice.random() < PAYS_TWICE:
                await self._post(f"/pay/{charge['id']}/{other}", again_s=0)
            self._paid_once.add(charge["id"])
        for name in CHANNELS:
            channel = getattr(self.channels, name)
            for number in [order.number for order in channel.truth.orders.values() if order.state == "waiting"]:
                channel.pay(number)

    async def give_some_back(self) -> None:
        """An operator does, whole or in part."""
        for charge in await self._rows(_PAID):
            if charge["id"] in self._looked_at:
                continue
            self._looked_at.add(charge["id"])
            if self.dice.random() < REFUNDED:
                amount = self.dice.choice((charge["amount"], FEE_OF_QUARTER))
                body = {"charge": charge["id"], "amount": {"amount": amount, "currency": "CNY"}, "reason": "test"}
                answer = await self._post("/v1/refunds", body)
                if answer is not None:
                    self.book.refunds[answer["id"]] = (charge["id"], amount)

    async def end_days(self) -> None:
        """Every open day is closed: what comes from now on is the next one's."""
        for day in await self._rows(_DAYS):
            path = f"/v1/operator/settlements/{day['id']}/freeze"
            if await self._post(path, {"reason": "test"}) is not None:
                self.book.frozen.add(day["id"])

    async def _post(self, path: str, body: Any = None, *, again_s: float = PATIENCE_S) -> Any:
        """The answer (of a page ""); None where it was refused, or not given in `again_s`."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": new_id("key", self.clock.now())}
        deadline = self.clock.monotonic() + again_s
        while True:
            try:
                async with self.session.post(self.api_url + path, json=body, headers=headers) as answer:
                    raw = await answer.read()
                    if answer.status < 400:
                        return orjson.loads(raw) if body is not None else ""
                    if answer.status < 500 and b"still-running" not in raw:
                        self.book.refused[f"{answer.status} {path.split('/')[1:3]}"] += 1
                        return None
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.book.cut_off += 1
            if self.clock.monotonic() >= deadline:
                assert again_s == 0, f"{path} is not answered"
                return None
            await self.clock.sleep(0.2 * self.dice.uniform(0.5, 2))

    async def _rows(self, statement: str) -> list[asyncpg.Record]:
        """None while the database is away."""
        try:
            connection = await asyncpg.connect(self.database_url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return []
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return []
        else:
            return rows
        finally:
            connection.terminate()


async def drive_all(town: BilledTown, broker_port: int, vehicles: Iterator[int], *, every_s: float) -> None:
    """One after the other until there are no more; returns when the broker has all they said."""
    async with Publisher(LOOPBACK, broker_port, "lanes", town.clock) as publisher:
        for vehicle in vehicles:
            await town.drive(publisher, vehicle)
            await town.clock.sleep(every_s)
        await publisher.acknowledged()


def _plate(number: int) -> str:
    return f"辽A{number:05}"
