"""Words that were lost are found, waited for, asked for and made good."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from contracts.facts import Facts, SpaceSeen
from contracts.ids import CarParkId, OrderId, SpaceNumber
from contracts.orders import OrderClosed, OrderKind, OrderState
from gateway.give_order import give_order
from kernel.clock import ManualClock
from kernel.db import Database, Row
from occupancy.heed_gaps import AHEAD_RANGES_MAX, forget_gaps
from occupancy.meters import SnapshotMeters
from occupancy.resync import hear_of_order
from occupancy.settings import OccupancySettings
from occupancy.snapshot_steps import SnapshotSteps
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, space_seen, status_seen
from tests.integration.occupancy.conftest import Record


class Line:
    """A connection whose session the test takes away."""

    def __init__(self) -> None:
        self.fresh_sessions = 0
        self.operators = {"op"}

    def mine(self, operator: str) -> bool:
        return operator in self.operators


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def steps(database: Database, settings: OccupancySettings, line: Line) -> SnapshotSteps:
    return SnapshotSteps(database, settings, line, give_order, SnapshotMeters(CollectorRegistry()))


class Site:
    """One car park and its devices' side of the story."""

    def __init__(self, database: Database, record: Record, clock: ManualClock, spaces: Sequence[SpaceNumber]) -> None:
        self.database, self.record, self.clock, self.spaces = database, record, clock, spaces
        self.seqs = dict.fromkeys(spaces, 0)
        self.elapsed_s = 0.0

    def wait(self, seconds: float) -> None:
        self.elapsed_s += seconds
        self.clock.advance(seconds)

    def word(self, space: SpaceNumber, *, lost: int = 0) -> SpaceSeen:
        """The next word of `space`, after `lost` that never arrive."""
        self.seqs[space] += 1 + lost
        return space_seen(space, "free", self.elapsed_s, seq=self.seqs[space], epoch="b1")

    async def snapshot(self) -> None:
        await self.record(Facts(spaces=[self.word(space) for space in self.spaces]))

    async def rows(self, statement: str) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement)

    async def orders(self) -> list[str]:
        return [row["id"] for row in await self.rows("SELECT id FROM gateway.device_order ORDER BY id")]

    async def gaps(self) -> list[tuple[int, int, str | None]]:
        rows = await self.rows("SELECT from_seq, to_seq, how FROM occupancy.seq_gap ORDER BY number")
        return [(row["from_seq"], row["to_seq"], row["how"]) for row in rows]

    async def acknowledge(self, order: str, state: OrderState = OrderState.DONE) -> None:
        closed = OrderClosed(HERE, OrderId(order), OrderKind.RESEND_SNAPSHOT, "", state, None, self.clock.now())
        async with self.database.transaction() as tx:
            await hear_of_order(tx, closed)


@pytest.fixture
async def site(database: Database, record: Record, clock: ManualClock) -> Site:
    made = Site(database, record, clock, await add_car_park(database, capacity=3, spaces=3))
    await made.snapshot()
    return made


async def test_a_gap_is_waited_for_then_ordered_once_and_healed(site: Site, steps: SnapshotSteps) -> None:
    a, b, _ = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=2), site.word(b, lost=1)]))
    assert await site.gaps() == [(2, 3, None), (2, 2, None)]
    await steps.step()
    site.wait(4)
    await steps.step()
    assert await site.orders() == []
    site.wait(2)
    for _ in range(3):
        await steps.step()
    (order,) = await site.orders()
    site.wait(1)
    await site.snapshot()
    await site.acknowledge(order)
    await steps.step()
    assert [how for _, _, how in await site.gaps()] == ["snapshot", "snapshot"]
    assert [row["how"] for row in await site.rows("SELECT how FROM occupancy.resync")] == ["told"]
    site.wait(600)
    await steps.step()
    assert await site.orders() == [order]


async def test_what_comes_late_within_the_grace_needs_no_order(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces
    site.wait(1)
    late = [site.word(a), site.word(a)]
    await site.record(Facts(spaces=[site.word(a)]))
    await site.record(Facts(spaces=[late[1]]))
    assert await site.gaps() == [(2, 3, None)]
    await site.record(Facts(spaces=[late[0]]))
    assert await site.gaps() == [(2, 3, "late")]
    site.wait(60)
    await steps.step()
    assert await site.orders() == []


async def test_the_snapshot_itself_may_show_gaps_and_asks_for_nothing_more(site: Site, steps: SnapshotSteps) -> None:
    a, b, c = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)]))
    site.wait(6)
    await steps.step()
    (order,) = await site.orders()
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a), site.word(b, lost=4), site.word(c, lost=1)]))
    await site.acknowledge(order)
    await steps.step()
    assert {how for _, _, how in await site.gaps()} == {"snapshot"}
    site.wait(600)
    await steps.step()
    assert await site.orders() == [order]


async def test_a_loss_after_the_order_is_a_new_reason(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)]))
    site.wait(6)
    await steps.step()
    site.wait(1)
    await site.snapshot()
    await site.acknowledge((await site.orders())[0])
    await steps.step()
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)]))
    site.wait(60)
    await steps.step()
    assert len(await site.orders()) == 2


async def test_two_losses_in_one_batch_around_the_order_are_told_apart(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)]))
    site.wait(6)
    await steps.step()
    assert len(await site.orders()) == 1
    site.wait(1)
    before_it_was_heard = site.word(a, lost=1)
    site.wait(1)
    await site.record(Facts(spaces=[before_it_was_heard, site.word(a, lost=1)]))
    assert [how for _, _, how in await site.gaps()] == [None, "snapshot", None]
    site.wait(60)
    await steps.step()
    assert len(await site.orders()) == 2


async def test_a_clock_that_runs_behind_hides_no_new_loss(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces

    def behind(seq: int) -> SpaceSeen:
        year_s = 365 * 86_400
        return space_seen(a, "free", site.elapsed_s - year_s, seq=seq, epoch="z", received=site.elapsed_s)

    async with site.database.transaction() as tx:
        await tx.execute("DELETE FROM occupancy.space_state WHERE space = $1", a)
    await site.record(Facts(spaces=[behind(1)]))
    site.wait(1)
    await site.record(Facts(spaces=[behind(3)]))
    site.wait(6)
    await steps.step()
    site.wait(1)
    await site.record(Facts(spaces=[behind(4)]))
    await site.acknowledge((await site.orders())[0])
    await steps.step()
    site.wait(60)
    await site.record(Facts(spaces=[behind(6)]))
    site.wait(60)
    await steps.step()
    assert len(await site.orders()) == 2


async def test_a_clock_that_falls_back_for_good_leaves_one_row_and_no_false_gap(site: Site) -> None:
    a, *_ = site.spaces
    site.wait(100)
    await site.record(Facts(spaces=[space_seen(a, "free", 100, seq=2, epoch="b1")]))
    for seq in (3, 4, 5, 8):
        await site.record(Facts(spaces=[space_seen(a, "free", seq, seq=seq, epoch="b1", received=100)]))
    (row,) = await site.rows("SELECT numbers::text FROM occupancy.seq_ahead")
    assert row["numbers"] == "{[3,6),[8,9)}"
    site.wait(1)
    await site.record(Facts(spaces=[space_seen(a, "free", 101, seq=10, epoch="b1")]))
    (row,) = await site.rows("SELECT missing::text FROM occupancy.seq_gap")
    assert row["missing"] == "{[6,8),[9,10)}"


async def test_numbers_ahead_that_never_merge_are_bounded(site: Site) -> None:
    a, *_ = site.spaces
    site.wait(100)
    await site.record(Facts(spaces=[space_seen(a, "free", 100, seq=2, epoch="b1")]))
    for begin in (4, 50_000):
        numbers = range(begin, begin + 2 * AHEAD_RANGES_MAX, 2)
        await site.record(
            Facts(spaces=[space_seen(a, "free", 1, seq=seq, epoch="b1", received=100) for seq in numbers])
        )
    (row,) = await site.rows("SELECT (SELECT count(*) FROM unnest(numbers)) AS ranges FROM occupancy.seq_ahead")
    assert row["ranges"] == AHEAD_RANGES_MAX


async def test_a_car_park_that_does_not_answer_is_asked_ever_more_rarely_and_not_for_ever(
    site: Site, steps: SnapshotSteps, settings: OccupancySettings
) -> None:
    a, *_ = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)]))
    given: list[float] = []
    for _ in range(5 * 3_600 // 5):
        site.wait(5)
        before = len(await site.orders())
        await steps.step()
        if len(await site.orders()) > before:
            given.append(site.elapsed_s)
    pauses = [round(later - earlier) for earlier, later in pairwise(given)]
    assert len(given) == settings.snapshot_attempts_max
    assert pauses[:5] == [15, 30, 60, 120, 240]
    assert max(pauses) <= 3_600
    assert await site.gaps() == [(2, 2, "unanswered")]


async def test_nobody_is_asked_while_offline_and_at_once_when_back(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces
    site.wait(1)
    await site.record(Facts(spaces=[site.word(a, lost=1)], statuses=[status_seen(False, 1.5)]))
    site.wait(30)
    await steps.step()
    assert await site.orders() == []
    await site.record(Facts(statuses=[status_seen(True, site.elapsed_s)]))
    site.wait(6)
    await steps.step()
    assert len(await site.orders()) == 1


async def test_who_tells_everything_unasked_is_not_asked(site: Site, steps: SnapshotSteps, line: Line) -> None:
    site.wait(1)
    line.fresh_sessions = 1
    await steps.step()
    site.wait(3)
    await site.snapshot()
    site.wait(3)
    await steps.step()
    assert await site.orders() == []
    assert [row["how"] for row in await site.rows("SELECT how FROM occupancy.resync")] == ["told"]


async def test_a_lost_session_asks_everyone_online_within_the_budget(
    database: Database, record: Record, clock: ManualClock, line: Line
) -> None:
    for place in range(4):
        car_park = CarParkId(f"park-{place}")
        spaces = await add_car_park(database, car_park, capacity=3, spaces=3)
        numbered = 1 if place < 3 else -1
        words = [space_seen(space, "free", seq=numbered, car_park=car_park) for space in spaces]
        await record(Facts(spaces=words))
    await record(Facts(statuses=[status_seen(False, 1, car_park=CarParkId("park-0"))]))
    meters = SnapshotMeters(CollectorRegistry())
    steps = SnapshotSteps(database, OccupancySettings(snapshot_spaces_per_s=3), line, give_order, meters)
    clock.advance(2)
    line.fresh_sessions = 1
    await steps.step()
    clock.advance(6)
    asked: list[list[str]] = []
    for _ in range(3):
        await steps.step()
        async with database.transaction() as tx:
            asked.append([row["car_park"] for row in await tx.fetch("SELECT car_park FROM gateway.device_order")])
    assert asked == [["park-1"], ["park-1", "park-2"], ["park-1", "park-2"]]


async def test_gaps_of_counters_and_of_car_parks_without_numbers(site: Site, steps: SnapshotSteps) -> None:
    await site.record(Facts(counts=[count_seen(1, 1, seq=1), count_seen(1, 1)]))
    site.wait(4)
    await site.record(Facts(counts=[count_seen(2, 3, seq=4), count_seen(1, 3)]))
    assert await site.gaps() == [(2, 3, None)]
    site.wait(20)
    await steps.step()
    (order,) = await site.orders()
    site.wait(1)
    await site.snapshot()
    await site.acknowledge(order)
    await steps.step()
    assert await site.gaps() == [(2, 3, None)]
    await site.record(Facts(counts=[count_seen(2, site.elapsed_s, seq=5)]))
    await steps.step()
    assert await site.gaps() == [(2, 3, "snapshot")]


async def test_late_numbers_complete_a_history_that_a_snapshot_made_good(site: Site, steps: SnapshotSteps) -> None:
    a, *_ = site.spaces
    site.wait(1)
    lost = [site.word(a), site.word(a)]
    await site.record(Facts(spaces=[site.word(a)]))
    site.wait(6)
    await steps.step()
    site.wait(1)
    await site.snapshot()
    await steps.step()
    await site.record(Facts(spaces=lost[:1]))
    (row,) = await site.rows("SELECT how, missing::text FROM occupancy.seq_gap")
    assert tuple(row) == ("snapshot", "{[3,4)}")


async def test_numbers_that_count_for_a_whole_gateway_are_no_losses_for_long(
    site: Site, steps: SnapshotSteps, record: Record
) -> None:
    running = 0
    for _ in range(200):
        site.wait(1)
        words = []
        for space in site.spaces:
            running += 20
            words.append(space_seen(space, "free", site.elapsed_s, seq=running, epoch="g1"))
        await record(Facts(spaces=words))
    known = len(await site.gaps())
    assert known < 250
    site.wait(1)
    await record(Facts(spaces=[space_seen(site.spaces[0], "free", site.elapsed_s, seq=running + 99, epoch="g1")]))
    assert len(await site.gaps()) == known
    await steps.count()


async def test_old_gaps_and_more_than_anybody_reads_are_forgotten(site: Site) -> None:
    settings = OccupancySettings(gaps_kept_max=2)
    a, b, _ = site.spaces
    for _ in range(3):
        site.wait(1)
        await site.record(Facts(spaces=[site.word(a, lost=1)]))
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE occupancy.seq_gap SET healed_at = seen_at, how = 'snapshot'")
    await site.record(Facts(spaces=[site.word(b, lost=1)]))
    async with site.database.transaction() as tx:
        await forget_gaps(tx, settings)
    assert len(await site.gaps()) == 2
    site.wait(settings.gap_retention_days * 86_400 + 10)
    async with site.database.transaction() as tx:
        await forget_gaps(tx, settings)
    assert await site.gaps() == []


async def test_losses_that_go_on_are_made_good_each_time_and_slower_when_they_never_end(
    site: Site, steps: SnapshotSteps
) -> None:
    a, *_ = site.spaces
    asked: list[float] = []
    for _ in range(104):
        site.wait(1)
        await site.record(Facts(spaces=[site.word(a, lost=1)]))
        lost_at = site.elapsed_s
        before = len(await site.orders())
        while len(await site.orders()) == before:
            site.wait(1)
            await steps.step()
        asked.append(site.elapsed_s - lost_at)
        site.wait(1)
        await site.snapshot()
        await site.acknowledge((await site.orders())[-1])
        await steps.step()
    assert max(asked[:99]) <= 20
    assert min(asked[101:]) > 500


async def test_a_device_that_connects_anew_is_asked_but_not_by_the_minute(site: Site, steps: SnapshotSteps) -> None:
    asked: list[int] = []
    for minute in range(12):
        site.wait(54)
        await site.record(Facts(statuses=[status_seen(True, site.elapsed_s)]))
        site.wait(6)
        await steps.step()
        if len(await site.orders()) > len(asked):
            asked.append(minute)
            site.wait(1)
            await site.snapshot()
            await site.acknowledge((await site.orders())[-1])
            await steps.step()
    assert asked == [1, 7]
