"""What changes without a message: staleness, opening hours, the registry, the trend; and what a crash kept back."""

import random
from collections.abc import Iterable, Sequence

import pytest
from prometheus_client import CollectorRegistry

from contracts.availability import Availability, CarParkState
from contracts.facts import Facts
from contracts.ids import CarParkId
from gateway.give_order import give_order
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.meters import OccupancyMeters
from occupancy.record import Recorder
from occupancy.recording_steps import RecordingSteps
from occupancy.recount import recount_city
from occupancy.service import recording, upkeep
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, passage_seen, retire, space_seen
from tests.integration.occupancy.conftest import Record


class Told(list[Availability]):
    """Where the loops publish to."""

    def __init__(self) -> None:
        super().__init__()
        self.withdrawn: list[CarParkId] = []
        self.connection = 1
        self.fresh_sessions = 0
        self.hears = True

    def mine(self, operator: str) -> bool:
        return bool(operator)

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        self.withdrawn.extend(car_parks)

    def publish(self, told: Sequence[Availability]) -> None:
        self.extend(told)

    def take(self) -> list[Availability]:
        taken = list(self)
        self.clear()
        return taken


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def steps(database: Database, recorder: Recorder, told: Told) -> RecordingSteps:
    return RecordingSteps(database, recorder, told)


async def test_silence_turns_stale_once(
    database: Database, record: Record, steps: RecordingSteps, told: Told, clock: ManualClock
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await record(Facts(spaces=[space_seen(a, "free")]))
    clock.advance(900)
    await steps.sweep()
    assert told.take() == []
    clock.advance(1)
    await steps.sweep()
    (stale,) = told.take()
    assert (stale.stale, stale.state, stale.free, stale.version) == (True, CarParkState.UNKNOWN, 1, 2)
    await steps.sweep()
    assert told.take() == []
    (back,) = (await record(Facts(spaces=[space_seen(a, "free", 901)]))).availabilities
    assert (back.stale, back.state, back.version) == (False, CarParkState.OPEN, 3)


async def test_it_closes_and_opens_by_its_own_clock(
    database: Database, record: Record, steps: RecordingSteps, told: Told, clock: ManualClock
) -> None:
    await add_car_park(database, capacity=9, opening_hours="Mo-Su 08:00-08:10")
    (first,) = (await record(Facts(counts=[count_seen(1, capacity=9)]))).availabilities
    assert first.state == CarParkState.OPEN
    clock.advance(601)
    await steps.sweep()
    assert [availability.state for availability in told.take()] == [CarParkState.CLOSED]


async def test_a_change_of_the_registry_is_told(
    database: Database, record: Record, steps: RecordingSteps, told: Told
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await record(Facts(spaces=[space_seen(a), space_seen(b)]))
    await steps.sweep()
    assert told.take() == []
    async with database.transaction() as tx:
        await tx.execute("UPDATE registry.car_park SET capacity = 1")
        await tx.execute("UPDATE registry.space SET retired = true WHERE number = $1", b)
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    await steps.sweep()
    (changed,) = told.take()
    assert (changed.capacity, changed.occupied, changed.free) == (1, 1, 0)


async def test_a_car_park_that_never_spoke_is_told_of_as_unknown(
    database: Database, record: Record, steps: RecordingSteps, told: Told
) -> None:
    await add_car_park(database, capacity=7)
    await steps.sweep()
    (first,) = told.take()
    assert (first.state, first.capacity, first.unknown, first.free) == (CarParkState.UNKNOWN, 7, 7, None)
    assert (first.as_of, first.version) == (None, 1)
    await steps.sweep()
    assert told.take() == []
    (heard,) = (await record(Facts(counts=[count_seen(3, capacity=7)]))).availabilities
    assert (heard.free, heard.version) == (4, 2)


async def test_a_space_that_takes_the_place_of_another_is_not_added_to_it(
    database: Database, record: Record, steps: RecordingSteps, told: Told
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await record(Facts(spaces=[space_seen(a), space_seen(b)]))
    await steps.sweep()
    async with database.transaction() as tx:
        await tx.execute("UPDATE registry.space SET retired = true WHERE number = $1", b)
        await tx.execute("INSERT INTO registry.space (car_park, label) VALUES ($1, 'new')", HERE)
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    told.take()
    await steps.sweep()
    (changed,) = told.take()
    assert (changed.occupied, changed.unknown) == (1, 1)


async def test_what_changed_while_nobody_looked_is_counted_after_the_start(
    database: Database, record: Record, recorder: Recorder, told: Told
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await record(Facts(spaces=[space_seen(a), space_seen(b)]))
    async with database.transaction() as tx:
        await tx.execute("UPDATE registry.space SET retired = true WHERE number = $1", b)
        await tx.execute("UPDATE registry.revision SET value = value + 1")
    started = RecordingSteps(database, recorder, told)
    await started.sweep()
    assert told.take() == []
    await started.sweep()
    (counted,) = told.take()
    assert (counted.occupied, counted.unknown) == (1, 1)
    await started.sweep()
    assert told.take() == []


async def test_the_trend_is_a_quarter_of_an_hours(
    database: Database, record: Record, steps: RecordingSteps, told: Told, clock: ManualClock
) -> None:
    await add_car_park(database, capacity=100)
    await record(Facts(counts=[count_seen(50)]))
    clock.advance(60)
    await steps.trend()
    assert told.take() == []
    clock.advance(840)
    (now,) = (await record(Facts(counts=[count_seen(53, 900)]))).availabilities
    assert now.trend is None
    await steps.trend()
    assert [availability.trend for availability in told.take()] == [-3]
    await steps.trend()
    assert told.take() == []


async def test_what_a_crash_kept_back_is_told_again(
    database: Database, record: Record, steps: RecordingSteps, told: Told
) -> None:
    await add_car_park(database, capacity=100)
    await record(Facts(counts=[count_seen(50)]))
    await steps.republish()
    assert [(availability.occupied, availability.version) for availability in told.take()] == [(50, 1)]
    await steps.republish()
    assert told.take() == []
    async with database.transaction() as tx:
        await steps.record_facts(tx, Facts(counts=[count_seen(51, 1)]))
    await steps.republish()
    assert told.take() == []
    await record(Facts(counts=[count_seen(52, 2)]))
    await steps.republish()
    assert [availability.occupied for availability in told.take()] == [52]


async def test_who_is_gone_is_withdrawn_and_told_again_when_back(
    database: Database, record: Record, recorder: Recorder, steps: RecordingSteps, told: Told, clock: ManualClock
) -> None:
    await add_car_park(database, capacity=100)
    await record(Facts(counts=[count_seen(50)]))
    await steps.republish()
    await retire(database)
    after_a_crash = Told()
    fresh = RecordingSteps(database, recorder, after_a_crash)
    clock.advance(900)
    for loops, outlet in ((steps, told), (fresh, after_a_crash)):
        outlet.take()
        for step in (loops.sweep, loops.trend, loops.republish):
            await step()
        assert (outlet.withdrawn, outlet.take()) == ([HERE], [])
    await retire(database, retired=False)
    told.withdrawn.clear()
    await steps.republish()
    assert ([availability.occupied for availability in told.take()], told.withdrawn) == ([50], [])


async def test_a_new_connection_is_told_everything_again(
    database: Database, record: Record, steps: RecordingSteps, told: Told
) -> None:
    await add_car_park(database, capacity=100)
    await record(Facts(counts=[count_seen(50)]))
    await steps.republish()
    assert len(told.take()) == 1
    told.connection += 1
    await steps.republish()
    assert len(told.take()) == 1


async def test_sums_are_counted_again_and_repaired(
    database: Database, record: Record, recorder: Recorder, steps: RecordingSteps, told: Told
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await record(Facts(spaces=[space_seen(a), space_seen(b, "free")]))
    registry = CollectorRegistry()
    meters = OccupancyMeters(registry)
    await recount_city(database, recorder, meters)
    assert registry.get_sample_value("berth_occupancy_sums_repaired_total") == 0
    async with database.transaction() as tx:
        await tx.execute("UPDATE occupancy.car_park_state SET spaces_occupied = 7, occupied = 7")
    await recount_city(database, recorder, meters)
    assert registry.get_sample_value("berth_occupancy_sums_repaired_total") == 1
    await steps.republish()
    assert [availability.occupied for availability in told.take()] == [1]


async def test_the_manifests_name_their_loops_and_jobs(
    database: Database, settings: OccupancySettings, told: Told
) -> None:
    beside_mqtt = recording(
        database, settings, outlet=told, give_order=give_order, registry=CollectorRegistry()
    ).service
    worker = upkeep(database, settings, CollectorRegistry())
    assert [loop.name for loop in (*beside_mqtt.loops, *worker.loops)] == [
        "occupancy sweep",
        "occupancy trend",
        "occupancy republish",
        "occupancy snapshots",
        "occupancy gaps counted",
        "occupancy silence",
        "occupancy flapping",
        "occupancy partitions",
        "occupancy heartbeats",
        "occupancy drift",
        "occupancy gaps forgotten",
        "occupancy curves",
        "occupancy health",
        "occupancy devices counted",
        "occupancy health forgotten",
    ]
    assert [(job.name, job.cron is not None) for job in worker.jobs] == [("occupancy.recount", True)]


@pytest.mark.parametrize("measured_by", ["auto", "mixed", "passages"])
async def test_any_order_and_duplication_ends_in_the_same_rows(
    database: Database, record: Record, measured_by: str
) -> None:
    rng = random.Random(20261123)
    ends = []
    for copy in range(6):
        car_park = CarParkId(f"copy-{copy}")
        numbers = await add_car_park(
            database, car_park, capacity=6, spaces=6, zones={"A": 3, "B": 3}, measured_by=measured_by
        )
        stream = story(random.Random(7), [*range(6)])
        if copy:
            stream = stream + rng.sample(stream, 15)
            rng.shuffle(stream)
        while stream:
            size = rng.randint(1, 12)
            batch, stream = stream[:size], stream[size:]
            await record(
                Facts(
                    spaces=[
                        space_seen(numbers[number], state, second, seq=seq, car_park=car_park)  # type: ignore[arg-type]  # the words are right
                        for kind, number, state, second, seq in batch
                        if kind == "space"
                    ],
                    counts=[
                        count_seen(number, second, seq=seq, zone=zone, capacity=6, car_park=car_park)
                        for kind, number, zone, second, seq in batch
                        if kind == "count"
                    ],
                    passages=[
                        passage_seen(f"p{number}", direction, second, car_park=car_park)
                        for kind, number, direction, second, _ in batch
                        if kind == "passage"
                    ],
                )
            )
        ends.append(await end_of(database, car_park, numbers[0]))
    assert all(end == ends[0] for end in ends)


def story(rng: random.Random, spaces: Sequence[int]) -> list[tuple[str, int, str, int, int]]:
    """Sixty events with many ties, of every kind."""
    told: list[tuple[str, int, str, int, int]] = []
    for number in range(60):
        second, seq = rng.randrange(0, 1500, 60), rng.randint(-1, 2)
        match rng.randrange(4):
            case 0:
                told.append(("count", rng.randint(0, 7), rng.choice(["", "A", "B"]), second, seq))
            case 1:
                told.append(("passage", number, rng.choice(["entry", "exit"]), second, seq))
            case _:
                state = rng.choice(["free", "occupied", "unknown", "out_of_service"])
                told.append(("space", rng.choice(spaces), state, second, seq))
    return told


async def end_of(database: Database, car_park: CarParkId, first: int) -> list[object]:
    async with database.transaction() as tx:
        spaces = await tx.fetch(
            "SELECT space - $2, state, at, epoch, seq FROM occupancy.space_state WHERE car_park = $1 ORDER BY 1",
            car_park,
            first,
        )
        counts = await tx.fetch(
            "SELECT zone, occupied, at, seq FROM occupancy.count_state WHERE car_park = $1 ORDER BY 1", car_park
        )
        standing = await tx.fetch(
            "SELECT spaces_occupied, spaces_free, spaces_out, spaces_unknown, spaces_at, passages_base,"
            " passages_base_at, passages_net, passages_at, occupied, capacity, out_of_service, unknown, source, as_of"
            " FROM occupancy.car_park_state WHERE car_park = $1",
            car_park,
        )
        events = await tx.fetchval(
            "SELECT (SELECT count(*) FROM occupancy.count_event WHERE car_park = $1)"
            " + (SELECT count(*) FROM occupancy.passage WHERE car_park = $1)",
            car_park,
        )
    return [[tuple(row) for row in rows] for rows in (spaces, counts, standing)] + [events]
