"""Drivers who hold, confirm, extend and cancel over HTTP as fast as they can, and write down what they were answered.

Whoever is cut off does what the API asks for: the same request again with the same key, at the other process, until it
is answered. So every request has one final answer, which the judge holds against the database.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson

from app.processes import LOOPBACK
from kernel.clock import Clock
from kernel.ids import new_id

CONFIRMED_SHARE, EXTENDED_SHARE, CANCELLED_SHARE, REPEATED_SHARE = 0.9, 0.15, 0.25, 0.1
AGAIN_S = 0.1
PATIENCE_S = 120.0
REQUEST_S = 20.0
_HOT_SHARE = 0.6
_QUARTERS = 16
"""Hot windows begin in one of so many quarters of an hour: the pools are fought for."""


@dataclass
class Answered:
    """What the API said of one reservation, in the order in which it said it."""

    driver: str
    state: str
    until: str
    price: int
    steps: int = 1


@dataclass
class Ledger:
    """All final answers."""

    attempts: int = 0
    promises: dict[str, Answered] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    cut_off: int = 0
    repeated: int = 0
    differing: list[str] = field(default_factory=list)
    """Requests that were answered otherwise when they came again."""

    def told(self, driver: str, answer: dict[str, Any]) -> None:
        """The answer of a hold or a step."""
        known = self.promises.get(answer["id"])
        steps = 1 if known is None else known.steps + 1
        told = Answered(driver, answer["state"], answer["until"], answer["price"]["amount"], steps)
        self.promises[answer["id"]] = told


@dataclass
class Town:
    """Where they may park."""

    hot: Sequence[str]
    quiet: Sequence[str]
    spaces_each: int
    begins: datetime


@dataclass
class Racer:
    """One client."""

    session: aiohttp.ClientSession
    ports: Sequence[int]
    clock: Clock
    dice: random.Random
    ledger: Ledger
    driver: str
    token: str

    async def attempt(self, town: Town) -> None:
        """One hold, and what follows."""
        self.ledger.attempts += 1
        held = await self._ask("/v1/reservations", self._wanted(town))
        if held is None or self.dice.random() > CONFIRMED_SHARE:
            return
        path = f"/v1/reservations/{held['id']}"
        if await self._ask(f"{path}/confirm") is None:
            return
        if self.dice.random() < EXTENDED_SHARE:
            until = datetime.fromisoformat(held["until"]) + timedelta(minutes=self.dice.choice((1, 7, 30)))
            await self._ask(f"{path}/extend", {"until": until.isoformat()})
        if self.dice.random() < CANCELLED_SHARE:
            await self._ask(f"{path}/cancel")

    def _wanted(self, town: Town) -> dict[str, Any]:
        dice = self.dice
        hot = dice.random() < _HOT_SHARE
        begins = town.begins + timedelta(minutes=15 * dice.randrange(_QUARTERS), seconds=dice.choice((0, 0, 20)))
        wanted = {
            "car_park": dice.choice(town.hot if hot else town.quiet),
            "vehicle": {"plate": f"辽A{dice.randrange(100_000):05}", "color": "blue"},
            "from": begins.isoformat(),
            "until": (begins + timedelta(minutes=dice.choice((15, 30, 60)))).isoformat(),
        }
        return wanted if hot else {**wanted, "space": f"B1-{dice.randrange(town.spaces_each):03}"}

    async def _ask(self, path: str, body: Any = None) -> dict[str, Any] | None:
        """The answer, None when it was refused for good. Sometimes the same is asked once more afterwards."""
        key = new_id("key", self.clock.now())
        status, raw = await self._answered(path, body, key)
        if status >= 400:
            self.ledger.refused[f"{status} {orjson.loads(raw)['code']}"] += 1
            return None
        if self.dice.random() < REPEATED_SHARE:
            self.ledger.repeated += 1
            again = await self._answered(path, body, key)
            if again != (status, raw):
                self.ledger.differing.append(f"{path} {key}: {again}, first {(status, raw)}")
        answer: dict[str, Any] = orjson.loads(raw)
        self.ledger.told(self.driver, answer)
        return answer

    async def _answered(self, path: str, body: Any, key: str) -> tuple[int, bytes]:
        """The final answer, of whichever process gives it."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        deadline = self.clock.monotonic() + PATIENCE_S
        while True:
            address = f"http://{LOOPBACK}:{self.dice.choice(self.ports)}{path}"
            try:
                async with self.session.post(address, json=body, headers=headers) as response:
                    raw = await response.read()
                    if response.status < 500 and not _is_to_be_repeated(response.status, raw):
                        return response.status, raw
                    said = f"{response.status} {raw!r}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                said = repr(error)
            self.ledger.cut_off += 1
            assert self.clock.monotonic() < deadline, f"{path} is not answered: {said}"
            await self.clock.sleep(AGAIN_S * self.dice.uniform(0.5, 2))


def _is_to_be_repeated(status: int, raw: bytes) -> bool:
    return status == 409 and orjson.loads(raw)["code"] == "still-running"


async def race(racers: Sequence[Racer], town: Town, attempts: int) -> None:
    """All of them, until so many attempts were made."""
    left = iter(range(attempts))

    async def run(racer: Racer) -> None:
        for _ in left:
            await racer.attempt(town)

    async with asyncio.TaskGroup() as group:
        for racer in racers:
            group.create_task(run(racer))
