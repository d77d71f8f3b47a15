"""What was recorded in a process that does not speak MQTT, told to the one that does: by NOTIFY, with the commit.

Nothing depends on it being heard: availabilities are looked for by the republish loop, the spool by its own, and what
was refused lies in the dead letters. Hearing it only makes a push as fresh as an MQTT message.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from contracts.wire import up_topic
from gateway.dead_letters import DeadLetter, feedback
from gateway.sql import notices as sql
from kernel.clock import Clock
from kernel.db import Database, Tx
from kernel.db_errors import will_pass

_log = structlog.get_logger(__name__)

RECORDED: Final = "berth_recorded"
SPOOLED: Final = "berth_spooled"
NOTICE_BYTES_MAX: Final = 7_000
"""PostgreSQL takes less than 8,000 bytes."""
NOTICES_MAX: Final = 20
"""Of one transaction; who sends a thousand kinds of nonsense reads the rest in the dead letters."""
RETRY_S: Final = 2.0


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """What is to be published on the `errors` of a car park."""

    operator: str
    car_park: str
    feedback: str


_read = msgspec.json.Decoder(list[Refusal]).decode


async def tell_recorded(tx: Tx, refused: Sequence[DeadLetter] = ()) -> None:
    """With the commit of `tx`: somebody's availability may have changed, and these were refused."""
    for notice in notices_of(refused):
        await sql.notify(tx, RECORDED, notice)


async def tell_spooled(tx: Tx) -> None:
    """With the commit of `tx`: there is something in the spool."""
    await sql.notify(tx, SPOOLED, "")


def notices_of(letters: Sequence[DeadLetter]) -> list[str]:
    """At least one; as many refusals in each as fit."""
    notices: list[str] = []
    part: list[str] = []
    size = 2
    for letter in letters:
        if letter.operator is None or letter.car_park is None:
            continue
        refusal = Refusal(letter.operator, letter.car_park, feedback(letter).decode())
        text = msgspec.json.encode(refusal).decode()
        if part and size + len(text.encode()) + 1 > NOTICE_BYTES_MAX:
            notices.append(f"[{','.join(part)}]")
            part, size = [], 2
        part.append(text)
        size += len(text.encode()) + 1
    notices.append(f"[{','.join(part)}]")
    return notices[:NOTICES_MAX]


async def heed(db: Database, clock: Clock, channels: Sequence[str], hear: Callable[[str, str], None]) -> None:
    """`hear(channel, payload)` of every notice until cancelled; listens again when the connection was lost.

    The first of a connection is ("", ""): some may have been missed. Whoever hears looks by himself meanwhile.
    """
    while True:
        try:
            async for channel, payload in db.listen(*channels):
                hear(channel, payload)
        except Exception as error:
            if not will_pass(error):
                _log.exception("notices_not_heard", channels=channels)
        await clock.sleep(RETRY_S)


@dataclass(slots=True)
class Heed:
    """Hears the notices until it is cancelled; `recorded` and `spooled` wake the loops that look."""

    db: Database
    clock: Clock
    publish: Callable[[str, str, bytes], None]
    """Takes the operator, the topic and the payload of what was refused."""
    recorded: asyncio.Event = field(default_factory=asyncio.Event)
    spooled: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until cancelled."""
        await heed(self.db, self.clock, (RECORDED, SPOOLED), self.hear)

    def hear(self, channel: str, payload: str) -> None:
        """One notice; the first of a connection is empty and means that some may have been missed."""
        if channel != RECORDED:
            self.spooled.set()
        if channel != SPOOLED:
            self.recorded.set()
        if channel == RECORDED:
            try:
                refusals = _read(payload)
            except msgspec.MsgspecError:
                _log.warning("notice_not_understood")  # another version of ours, or somebody at the database
                return
            for refusal in refusals:
                topic = up_topic(refusal.operator, refusal.car_park, "errors")
                self.publish(refusal.operator, topic, refusal.feedback.encode())
