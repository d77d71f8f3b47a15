"""Time as devices tell it: late by days, wrong by a year, the same twice, never set, not come yet; and whole streams of
it with losses, repeats, reboots and wraps, which a snapshot makes right.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contracts.facts import Facts, SpaceSeen
from contracts.ids import CarParkId, OrderId, SpaceNumber
from contracts.orders import OrderClosed, OrderKind, OrderState
from contracts.wire import SpaceStateWord
from gateway.give_order import give_order
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.resync import hear_of_order, look_after_snapshots
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, at, space_seen
from tests.integration.occupancy.conftest import Record

DAY_S = 86_400
YEAR_S = 365 * DAY_S
SEED = 20_261_124


async def state_of(database: Database, space: SpaceNumber) -> tuple[str, datetime, int]:
    async with database.transaction(readonly=True) as tx:
        row = await tx.fetchrow("SELECT state, at, seq FROM occupancy.space_state WHERE space = $1", space)
    assert row is not None
    return row["state"], row["at"], row["seq"]


async def history_of(database: Database) -> int:
    async with database.transaction(readonly=True) as tx:
        count: int = await tx.fetchval("SELECT count(*) FROM occupancy.space_event")
        return count


@pytest.mark.parametrize("late_by_s", [1, 3 * DAY_S, YEAR_S, 50 * YEAR_S])
async def test_what_is_late_is_history_and_moves_nothing(database: Database, record: Record, late_by_s: float) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await record(Facts(spaces=[space_seen(a, "free", 10, seq=9, epoch="b")]))
    late = space_seen(a, "occupied", 10 - late_by_s, seq=3, epoch="b", received=20)
    for expected in ((0, 1, 0), (0, 0, 1)):
        recorded = await record(Facts(spaces=[late]))
        tally = recorded.tallies[HERE]
        assert (tally.stored, tally.late, tally.duplicate) == expected
    assert await state_of(database, a) == ("free", at(10), 9)
    assert await history_of(database) == 2


async def test_a_clock_that_was_never_set_is_put_right_by_the_first_good_word(
    database: Database, record: Record
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    never = datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
    (one,) = (await record(Facts(spaces=[SpaceSeen(HERE, a, "occupied", never, "b", 1, None, at(0))]))).availabilities
    assert (one.stale, one.state, one.occupied) == (True, "unknown", 1)
    (two,) = (await record(Facts(spaces=[space_seen(a, "free", 5, seq=2, epoch="b")]))).availabilities
    assert (two.stale, two.state, two.occupied) == (False, "open", 0)


async def test_the_same_moment_with_different_words_is_ordered_by_number_then_state(
    database: Database, record: Record
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    words: Sequence[tuple[SpaceStateWord, int]] = (("occupied", 7), ("free", 8), ("occupied", 6))
    for state, seq in words:
        await record(Facts(spaces=[space_seen(a, state, 5, seq=seq, epoch="b")]))
    assert await state_of(database, a) == ("free", at(5), 8)
    for state in ("occupied", "free"):
        await record(Facts(spaces=[space_seen(b, state, 5)]))
    assert (await state_of(database, b))[0] == "occupied"
    assert await history_of(database) == 5


async def test_the_future_is_not_the_newest_for_ever(database: Database, record: Record) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    ahead = SpaceSeen(HERE, a, "occupied", at(0), "b", 1, None, at(0), at(YEAR_S))
    await record(Facts(spaces=[ahead]))
    await record(Facts(spaces=[space_seen(a, "free", 1, seq=2, epoch="b")]))
    assert await state_of(database, a) == ("free", at(1), 2)


async def test_a_reboot_and_a_wrap_are_no_late_words(database: Database, record: Record) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    words = [
        space_seen(a, "free", 1, seq=65_535, epoch="b1"),
        space_seen(a, "occupied", 2, seq=0, epoch="b1"),
        space_seen(a, "free", 3, seq=1, epoch="b1"),
        space_seen(a, "occupied", 4, seq=0, epoch="b0"),
    ]
    for word in words:
        assert (await record(Facts(spaces=[word]))).tallies[HERE].late == 0
    assert await state_of(database, a) == ("occupied", at(4), 0)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM occupancy.seq_gap") == 0


class Sensor:
    """Says words in the order of its own time; reboots and wraps."""

    def __init__(self, car_park: CarParkId, space: SpaceNumber, dice: random.Random) -> None:
        self.car_park, self.space, self._dice = car_park, space, dice
        self.boot = 0
        self.seq = dice.choice((0, 5, 2**16 - 6, 2**32 - 6))
        self._size = 2**16 if self.seq < 2**16 else 2**32
        self.last: SpaceSeen | None = None

    def say(self, now: datetime) -> SpaceSeen:
        if self._dice.random() < 0.05:
            self.boot, self.seq, self._size = self.boot + 1, 0, 2**32
        else:
            self.seq = (self.seq + 1) % self._size
        state: SpaceStateWord = self._dice.choice(("free", "occupied", "unknown", "out_of_service"))
        self.last = SpaceSeen(self.car_park, self.space, state, now, f"b{self.boot:03}", self.seq, None, now)
        return self.last


@pytest.mark.parametrize("seed", range(SEED, SEED + 6))
async def test_any_stream_is_right_after_a_snapshot(
    database: Database, record: Record, clock: ManualClock, settings: OccupancySettings, seed: int
) -> None:
    dice = random.Random(seed)
    spaces = await add_car_park(database, capacity=6, spaces=6)
    sensors = [Sensor(HERE, space, dice) for space in spaces]
    arrived: set[SpaceSeen] = set()
    said: list[SpaceSeen] = []
    held: list[SpaceSeen] = []
    for _ in range(60):
        clock.advance(2)
        words = [sensor.say(clock.now()) for sensor in sensors if dice.random() < 0.6]
        said += words
        batch = [word for word in words if dice.random() > 0.15]
        held += [word for word in batch if dice.random() < 0.2]
        batch = [word for word in batch if word not in held]
        batch += [held.pop() for _ in range(len(held)) if dice.random() < 0.3]
        batch += [word for word in arrived if dice.random() < 0.02]
        dice.shuffle(batch)
        if batch:
            await record(Facts(spaces=batch))
            arrived.update(batch)
    if held:
        await record(Facts(spaces=held))
        arrived.update(held)
    missing = {(word.space, word.epoch, word.seq) for word in said if word not in arrived}
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT space, epoch, missing FROM occupancy.seq_gap WHERE healed_at IS NULL")
        late = await tx.fetchval("SELECT count(*) FROM occupancy.seq_gap WHERE how = 'late' AND NOT isempty(missing)")
    found = {
        (row["space"], row["epoch"], seq)
        for row in rows
        for part in row["missing"]
        for seq in range(part.lower, part.upper)
    }
    assert found <= missing
    assert found
    assert late == 0

    words = [sensor.say(clock.now()) for sensor in sensors]  # a heartbeat shows what was lost at the end
    await record(Facts(spaces=words))
    arrived.update(words)
    for _ in range(5):
        clock.advance(6)
        async with database.transaction() as tx:
            turn = await look_after_snapshots(tx, settings, give_order, None)
            order = await tx.fetchval("SELECT order_id FROM occupancy.resync")
        if turn.ordered:
            clock.advance(1)
            words = [sensor.say(clock.now()) for sensor in sensors]
            await record(Facts(spaces=words))
            arrived.update(words)
            closed = OrderClosed(
                HERE, OrderId(order), OrderKind.RESEND_SNAPSHOT, "", OrderState.DONE, None, clock.now()
            )
            async with database.transaction() as tx:
                await hear_of_order(tx, closed)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM occupancy.seq_gap WHERE healed_at IS NULL") == 0
        assert await tx.fetchval("SELECT done_at IS NOT NULL FROM occupancy.resync")
        assert await tx.fetchval("SELECT count(*) FROM gateway.device_order") <= 1
    for sensor in sensors:
        assert sensor.last is not None
        assert await state_of(database, sensor.space) == (sensor.last.state, sensor.last.at, sensor.last.seq)
    await record(Facts(spaces=list(arrived)))
    assert await history_of(database) == len(arrived)
