"""The clients of `reserve`, in a process of their own: each holds a space and confirms it, again and again.

`python -m app.bench.reserve_client` reads a `Task` from its input and prints what came of it. A client is one
keep-alive connection that writes its requests by hand: on two cores, whatever the clients burn is taken from what is
measured.
"""

import asyncio
import random
import resource
import sys
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import uvloop
from msgspec import Struct, field

from app.processes import LOOPBACK

DAYS = 20
"""Windows begin within so many days from tomorrow on."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Task(Struct):
    """What to do: one client a token, against `ports` by turns, for `seconds`."""

    ports: list[int]
    seconds: float
    seed: int
    tokens: list[str]
    car_parks: list[str]
    spaces_each: int
    numbered: float
    """The part of the holds that name a numbered space."""
    pace_s: float = 0.0
    """So many reservations a second, all clients together; 0: as fast as they can."""


class Came(Struct):
    """What came of it. Times in milliseconds, from the request's first byte to the answer's last."""

    confirmed: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    hold_ms: list[float] = field(default_factory=list)
    confirm_ms: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


class _Client:
    def __init__(self, task: Task, number: int, came: Came, refused: Counter[str]) -> None:
        self._task, self._came, self._refused = task, came, refused
        self._dice = random.Random(task.seed * 1_000 + number)  # noqa: S311 - a load, no secret
        self._token = task.tokens[number]
        self._port = task.ports[number % len(task.ports)]
        self._tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: TID251 - a load
        self._made = number

    async def run(self, ends_at: float) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        every_s = len(self._task.tokens) / self._task.pace_s if self._task.pace_s else 0.0
        due = time.perf_counter() + every_s * self._dice.random()
        while time.perf_counter() < ends_at:
            if every_s:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))  # noqa: TID251 - a client's pace
                due += every_s
            started = time.perf_counter()
            status, answer = await self._post(reader, writer, "/v1/reservations", self._wanted())
            held_at = time.perf_counter()
            self._came.hold_ms.append(1_000 * (held_at - started))
            if status != 201:
                self._refused[f"hold {status} {_code(answer)}"] += 1
                continue
            at = answer.index(b"rsv_")
            path = f"/v1/reservations/{answer[at : at + 36].decode()}/confirm"
            status, answer = await self._post(reader, writer, path, b"")
            self._came.confirm_ms.append(1_000 * (time.perf_counter() - held_at))
            if status == 200:
                self._came.confirmed += 1
            else:
                self._refused[f"confirm {status} {_code(answer)}"] += 1
        writer.close()

    def _wanted(self) -> bytes:
        dice = self._dice
        begins = self._tomorrow + timedelta(days=dice.randint(1, DAYS), minutes=dice.randrange(1440))
        wanted = {
            "car_park": dice.choice(self._task.car_parks),
            "vehicle": {"plate": self._plate(), "color": "blue"},
            "from": begins.isoformat(),
            "until": (begins + timedelta(minutes=dice.randint(30, 240))).isoformat(),
        }
        if dice.random() < self._task.numbered:
            wanted["space"] = f"B1-{dice.randrange(self._task.spaces_each):03}"
        return msgspec.json.encode(wanted)

    def _plate(self) -> str:
        return f"辽{self._dice.choice(_LETTERS)}{''.join(self._dice.choices('ABCDEFGH23456789', k=5))}"

    async def _post(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
    ) -> tuple[int, bytes]:
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Idempotency-Key: {uuid.uuid4().hex}\r\n"  # noqa: TID251 - a client's key
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.index(b"\r", at)])
        return int(head[9:12]), await reader.readexactly(length)


def _code(answer: bytes) -> str:
    try:
        return str(msgspec.json.decode(answer).get("code", "?"))
    except msgspec.DecodeError:
        return "?"


async def _run(task: Task) -> Came:
    came, refused = Came(), Counter[str]()
    started = time.perf_counter()
    clients = [_Client(task, number, came, refused) for number in range(len(task.tokens))]
    await asyncio.gather(*(client.run(started + task.seconds) for client in clients))
    came.seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    came.cpu_s = used.ru_utime + used.ru_stime
    came.refused = dict(refused)
    return came


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(given))))
