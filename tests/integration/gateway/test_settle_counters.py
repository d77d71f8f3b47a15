"""Vehicle counters in lanes: what they grew by, whatever was said twice, lost, or came late."""

import pytest

from gateway.profiles.profile import Count
from kernel.db import Database
from tests.integration.gateway.conftest import Books
from tests.integration.gateway.lorawan import place, tts
from tests.integration.gateway.test_settle_uplinks import Desk, sums


@pytest.fixture
async def desk(db: Database) -> Desk:
    await place(db, "loop-1", "pni-placepod", space=None, settings={"lane": "E1", "direction": "entry"})
    return Desk(db)


async def passages(desk: Desk) -> int:
    async with desk.db.transaction() as tx:
        rows = await tx.fetch("SELECT lane, direction, plate FROM occupancy.passage")
    assert {tuple(row) for row in rows} <= {("E1", "entry", None)}
    return len(rows)


async def say(desk: Desk, frame: str, count: int, after_s: float | None = None) -> tuple[int, int, int, int, int]:
    return sums(await desk.record([tts(frame, count=count, device="loop-1", after_s=after_s or count - 100)]))


async def test_what_a_counter_grew_by_are_passages(desk: Desk, books: Books) -> None:
    grown = []
    for count, frame in enumerate(("210005", "210006", "210009", "210009", "370009", "37000a"), 1):
        before = await passages(desk)
        assert (await say(desk, frame, count))[4] == 0
        grown.append(await passages(desk) - before)
    assert grown == [0, 1, 3, 0, 0, 1]
    assert await books() == {"received": 8, "stored": 8, "duplicate": 0, "late": 0, "dead": 0}


async def test_one_batch_says_the_same(desk: Desk, books: Books) -> None:
    frames = ("210005", "210006", "210009", "210009")
    batch = [tts(frame, count=count, device="loop-1", after_s=count - 60) for count, frame in enumerate(frames, 1)]
    await desk.record([*reversed(batch), batch[1]])
    assert await passages(desk) == 4
    assert (await books())["duplicate"] == 1
    assert sums(await desk.record(batch)) == (0, 4, 0, 0, 0)
    assert await passages(desk) == 4


async def test_round_and_recalibrated_and_set_back(desk: Desk) -> None:
    for count, (frame, total) in enumerate(
        (("21007e", 0), ("210001", 3), ("210080", 3), ("210002", 5), ("210001", 5), ("210002", 6), ("210085", 6)), 1
    ):
        await say(desk, frame, count)
        assert await passages(desk) == total, frame


async def test_a_word_that_comes_late_was_counted_with_the_newer_one(desk: Desk) -> None:
    await say(desk, "210005", 1)
    await say(desk, "210009", 3)
    await say(desk, "210007", 2)
    assert await passages(desk) == 4
    await say(desk, "21000a", 4)
    assert await passages(desk) == 5


async def test_several_words_in_one_uplink(desk: Desk) -> None:
    assert await say(desk, "21001f210020210022", 1) == (3, 0, 0, 0, 0)
    assert await passages(desk) == 3


async def test_a_counter_without_a_lane_tells_nothing(desk: Desk) -> None:
    await place(desk.db, "loop-1", "pni-placepod", space=None)
    await say(desk, "210005", 1)
    await say(desk, "210009", 2)
    assert await passages(desk) == 0


@pytest.mark.parametrize(
    ("before", "now", "passed"), [(None, 9, 0), (5, 9, 4), (9, 9, 0), (127, 0, 1), (64, 0, 64), (9, 8, 0), (0, 65, 0)]
)
def test_what_passed_since(before: int | None, now: int, passed: int) -> None:
    assert Count(now, 128).passed_since(before) == passed
    assert Count(now, 128, anew=True).passed_since(before) == 0
