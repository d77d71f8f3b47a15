"""Finds out that the embedded broker answers no more, and ends it: whoever keeps it running starts it again.

rumqttd lives on when one of its listeners is dead: a 3.1.1 subscriber to whom it should bring an MQTT 5 message with
properties brings its thread down, and the next client of that name takes every other along, so that TCP connects and
nobody is let in any more. Only a real CONNECT tells.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Final

import structlog

from app.embedded import EmbeddedBroker
from app.processes import LOOPBACK
from kernel.clock import Clock

ASK_EVERY_S: Final = 1.0
ANSWER_S_MAX: Final = 5.0  # a flood may hold a CONNACK up; a listener that is dead closes at once
FAILURES_MAX: Final = 3
"""In a row: a single one may be chance."""
START_S_MAX: Final = 30.0
"""How long a broker that has just been started may be deaf: a busy machine takes its time to load it."""

_LEVELS: Final = {"3.1.1": 4, "5": 5}

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def broker_watched(broker: EmbeddedBroker, clock: Clock) -> AsyncIterator[None]:
    """Watch `broker` while the block runs."""
    task = asyncio.create_task(watch_broker(broker, clock), name="broker watch")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def watch_broker(broker: EmbeddedBroker, clock: Clock) -> None:
    """Kill `broker`'s process whenever a listener of it let nobody in FAILURES_MAX times in a row; never returns.

    No two questions are asked under one name: both listeners know names together, and a client whose name is taken
    over is cut off. What is more, a take-over is what kills a listener that was wounded.
    """
    numbers = itertools.count(1)
    process, failures, silent_until = broker.process, 0, clock.monotonic() + START_S_MAX
    while True:
        await clock.sleep(ASK_EVERY_S)
        if broker.process is not process:
            process, failures, silent_until = broker.process, 0, clock.monotonic() + START_S_MAX
        if process is None or process.poll() is not None:
            continue
        asked = {"3.1.1": broker.port, "5": broker.port_v5}
        answers = await asyncio.gather(
            *(lets_in(port, version, f"berth-watch-{next(numbers)}") for version, port in asked.items())
        )
        deaf = [version for version, answer in zip(asked, answers, strict=True) if not answer]
        if not deaf:
            failures, silent_until = 0, 0.0
            continue
        failures += 1
        if failures >= FAILURES_MAX and clock.monotonic() > silent_until and broker.process is process:
            log.error(
                "the broker lets nobody in any more, starting it again",
                listeners=[f"MQTT {version}" for version in deaf],
                failures=failures,
                lost="retained messages and sessions; the gateway publishes again and asks for snapshots",
            )
            process.kill()


async def lets_in(port: int, version: str, client_id: str) -> bool:
    """Whether a CONNECT of MQTT `version` is answered with success on this loopback port."""
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(_connect(version, client_id))
                kind, _length, _flags, code = await reader.readexactly(4)
                writer.write(b"\xe0\x00")  # DISCONNECT
                await writer.drain()
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False
    return kind == 0x20 and code == 0


def _connect(version: str, client_id: str) -> bytes:
    """A CONNECT with a clean session, as short as it gets."""
    level = _LEVELS[version]
    properties = b"\x00" if level == _LEVELS["5"] else b""
    name = client_id.encode()
    body = b"\x00\x04MQTT" + bytes([level, 2, 0, 10]) + properties + len(name).to_bytes(2, "big") + name
    return bytes([0x10, len(body)]) + body
