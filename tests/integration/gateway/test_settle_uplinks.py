"""Copies of an uplink, whichever way they come: in one batch, in several, out of order, after a counter's restart."""

import random
from typing import Any

import msgspec
import pytest

from contracts.facts import DeviceHeard
from gateway.decode import decode
from gateway.directory import Directory
from gateway.heard import SLOTS
from gateway.received import Received
from gateway.record import Handlers, Outcome, record_messages
from gateway.refresh_directory import RegistryCopy
from gateway.taken import Taken
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.integration.gateway.conftest import CAR_PARK, Books, register
from tests.integration.gateway.lorawan import EUI, chirpstack, place, states, told, tts

Batch = list[tuple[str, dict[str, Any]]]


class Desk:
    """Records batches as the gateway does, without a broker."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.copy = RegistryCopy(db, Directory())
        self.heard: list[DeviceHeard] = []
        self.handlers = Handlers(Recorder(OccupancySettings()).record_facts, on_heard=[self._watch])

    async def _watch(self, tx: Tx, heard: Any) -> None:
        self.heard += heard

    async def record(self, batch: Batch) -> Outcome:
        await self.copy.refresh()
        now = SystemClock().now()
        taken = []
        for topic, body in batch:
            raw = msgspec.json.encode(body)
            message = Received(topic, raw, len(raw), 1, 1, False, 1, now)
            taken.append(Taken.of(message, decode(topic, raw, now, self.copy.directory)))
        async with self.db.transaction() as tx:
            return await record_messages(tx, self.handlers, taken)


@pytest.fixture
async def desk(db: Database) -> Desk:
    await place(db, "bay-1", "bosch-tps110")
    return Desk(db)


def sums(outcome: Outcome) -> tuple[int, int, int, int, int]:
    return outcome.stored, outcome.duplicate, outcome.late, outcome.dead, outcome.miscounted


async def test_copies_in_one_batch_and_in_the_next(desk: Desk, books: Books) -> None:
    copies = [tts("01", count=5, after_s=shift, gateway=f"gtw{shift}") for shift in (-60, -59.5, -61)]
    assert sums(await desk.record(copies)) == (1, 2, 0, 0, 0)
    assert sums(await desk.record([tts("01", count=5, after_s=-40)])) == (0, 1, 0, 0, 0)
    assert await told(desk.db) == ["occupied"]
    assert (await books())["received"] == 4


async def test_a_copy_that_comes_after_newer_words_is_not_told_again(desk: Desk) -> None:
    await desk.record(
        [tts("01", count=5, after_s=-60), tts("00", count=6, after_s=-50), tts("01", count=7, after_s=-40)]
    )
    late = [tts("00", count=6, after_s=-30), tts("01", count=5, after_s=-20)]
    assert sums(await desk.record(late)) == (0, 2, 0, 0, 0)
    assert await told(desk.db) == ["occupied", "free", "occupied"]
    assert await states(desk.db) == {"B1-1": "occupied"}


async def test_a_clock_ahead_of_ours_is_clamped_and_its_copies_are_known(desk: Desk) -> None:
    ahead = [tts("01", count=5, after_s=600), tts("01", count=5, after_s=605)]
    assert sums(await desk.record(ahead)) == (1, 1, 0, 0, 0)
    assert sums(await desk.record([tts("01", count=5, after_s=603)])) == (0, 1, 0, 0, 0)
    assert await told(desk.db) == ["occupied"]


async def test_a_counter_that_starts_again_without_a_join_is_no_copy_an_hour_later(desk: Desk) -> None:
    await desk.record([tts("01", count=None, after_s=-7200), tts("00", count=1, after_s=-7000)])
    again = [tts("01", count=None, after_s=-60), tts("01", count=None, after_s=-59)]
    assert sums(await desk.record(again)) == (1, 1, 0, 0, 0)
    assert await told(desk.db) == ["occupied", "free", "occupied"]


@pytest.mark.parametrize("together", [True, False], ids=("in one batch", "one by one"))
async def test_a_counter_that_starts_again_within_the_hour_under_a_new_name(
    desk: Desk, books: Books, *, together: bool
) -> None:
    """ChirpStack names each telling: after another uplink, an old counter under a new name is a restart."""
    await place(desk.db, EUI.lower(), "bosch-tps110")
    frames = [("00", None, -50), ("01", 1, -40), ("00", None, -30), ("01", 1, -20), ("00", None, -10)]
    uplinks = [chirpstack(frame, count=count, after_s=at) for frame, count, at in frames]
    for batch in [uplinks] if together else [[uplink] for uplink in uplinks]:
        assert sums(await desk.record(batch)) == (len(batch), 0, 0, 0, 0)
    assert await told(desk.db) == ["free", "occupied", "free", "occupied", "free"]
    assert await states(desk.db) == {"B1-1": "free"}
    assert sums(await desk.record(uplinks)) == (0, 5, 0, 0, 0)  # all of it delivered again
    assert (await books())["stored"] == 5


async def test_a_late_gateway_of_chirpstack_tells_a_copy(desk: Desk) -> None:
    await place(desk.db, EUI.lower(), "bosch-tps110")
    copies = [chirpstack("01", count=5, after_s=-60), chirpstack("01", count=5, after_s=-59)]
    assert sums(await desk.record(copies)) == (1, 1, 0, 0, 0)
    assert sums(await desk.record([chirpstack("01", count=5, after_s=-58)])) == (0, 1, 0, 0, 0)


async def test_the_same_counter_with_other_bytes_or_in_another_session_is_another_uplink(desk: Desk) -> None:
    batch = [
        tts("01", count=3, after_s=-60),
        tts("00", count=3, after_s=-50),
        tts("01", count=3, after_s=-40, session="after-a-join"),
    ]
    assert sums(await desk.record(batch)) == (3, 0, 0, 0, 0)
    assert await told(desk.db) == ["occupied", "free", "occupied"]


async def test_uplinks_that_share_a_slot_in_one_batch(desk: Desk) -> None:
    batch = [tts("01" if count % 2 else "00", count=count, after_s=count - 200) for count in range(1, 3 * SLOTS)]
    assert sums(await desk.record(batch)) == (len(batch), 0, 0, 0, 0)
    newest = [
        tts("01" if count % 2 else "00", count=count, after_s=count - 199) for count in range(2 * SLOTS, 3 * SLOTS)
    ]
    assert sums(await desk.record(newest)) == (0, SLOTS, 0, 0, 0)
    async with desk.db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM gateway.uplink") == SLOTS


async def test_who_watches_hears_every_copy(desk: Desk) -> None:
    debug = tts("01000000240300000500", count=9, port=6)
    assert sums(await desk.record([debug, debug, tts("01", count=10, after_s=-1)])) == (2, 1, 0, 0, 0)
    assert [(heard.device, heard.rssi, heard.snr) for heard in desk.heard] == [("bay-1", -97, 5.5)] * 3


async def test_a_simulated_uplink_moves_nothing(desk: Desk) -> None:
    topic, body = tts("01", count=1)
    outcome = await desk.record([(topic, {**body, "simulated": True})])
    assert (outcome.dead, outcome.letters[0].reason) == (1, "simulated")
    assert await states(desk.db) == {}


async def test_a_history_sent_in_two_uplinks_is_one_fact(desk: Desk) -> None:
    await place(desk.db, "radar-1", "milesight-em410", space="B1-2", settings={"threshold_mm": 2_200})
    at = int(SystemClock().now().timestamp()) - 600
    entry = "20ce" + at.to_bytes(4, "little").hex() + "44080001000000"
    first = tts(entry, count=1, device="radar-1", port=85)
    again = tts(entry + "0482e80b", count=2, device="radar-1", port=85, after_s=-30)
    assert sums(await desk.record([first])) == (1, 0, 0, 0, 0)
    assert sums(await desk.record([again])) == (1, 1, 0, 0, 0)
    assert await states(desk.db) == {"B1-2": "free"}


async def test_a_device_is_followed_from_car_park_to_car_park(desk: Desk, books: Books) -> None:
    await register(desk.db, "mall-2")
    assert sums(await desk.record([tts("01", count=1)])) == (1, 0, 0, 0, 0)
    async with desk.db.transaction() as tx:
        await tx.execute("UPDATE registry.device SET car_park = 'mall-2', space = 'B1-3' WHERE id = 'bay-1'")
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    assert sums(await desk.record([tts("01", count=2, after_s=-50)])) == (1, 0, 0, 0, 0)
    assert (await books("mall-2"))["stored"] == 1
    async with desk.db.transaction() as tx:
        await tx.execute("UPDATE registry.zone SET capacity = 49 WHERE car_park = $1", CAR_PARK)
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    assert sums(await desk.record([tts("00", count=3, after_s=-40)])) == (1, 0, 0, 0, 0)
    assert await states(desk.db) == {"B1-1": "occupied", "B1-3": "free"}
    async with desk.db.transaction() as tx:
        await tx.execute("DELETE FROM registry.device")
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    outcome = await desk.record([tts("01", count=4, after_s=-30)])
    assert (outcome.dead, outcome.letters[0].reason) == (1, "unknown_device")


async def test_one_of_several_uplinks_at_the_same_moment_is_the_last(desk: Desk) -> None:
    """A network server that stamps by the second: the counter orders what its clock does not."""
    topic, occupied = tts("01", count=9)
    _, freed = tts("00", count=10)
    freed["uplink_message"]["received_at"] = occupied["uplink_message"]["received_at"]
    await desk.record([(topic, freed), (topic, occupied)])
    assert await states(desk.db) == {"B1-1": "free"}


@pytest.mark.parametrize("seed", range(6))
async def test_whichever_way_copies_arrive_and_batches_are_cut(desk: Desk, books: Books, seed: int) -> None:
    """Three sensors, forty changes each; every uplink comes one to three times, copies up to eight uplinks late."""
    chance = random.Random(seed)
    sensors = {f"bay-{number}": f"B1-{number}" for number in range(1, 4)}
    for device, space in sensors.items():
        await place(desk.db, device, "bosch-tps110", space=space)
    stream: list[tuple[float, tuple[str, dict[str, Any]]]] = []
    copies = 0
    for device in sensors:
        for count in range(40):
            frame, heard_s = "01" if count % 2 else "00", 600 * (count - 60)
            stream.append((count, tts(frame, count=count, device=device, after_s=heard_s)))
            for _ in range(chance.choice((0, 0, 1, 2))):
                copies += 1
                late = chance.uniform(0.1, 8)
                stream.append((count + late, tts(frame, count=count, device=device, after_s=heard_s + 30 * late)))
    messages = [message for _, message in sorted(stream, key=lambda item: item[0])]
    while messages:
        size = chance.randint(1, 30)
        await desk.record(messages[:size])
        messages = messages[size:]
    assert await books() == {"received": 120 + copies, "stored": 120, "duplicate": copies, "late": 0, "dead": 0}
    assert len(await told(desk.db)) == 120
    assert await states(desk.db) == dict.fromkeys(sensors.values(), "occupied")
