"""Recording facts: what is stored, what moves, what is told."""

import pytest

from contracts.availability import CarParkState
from contracts.facts import CountSeen, Facts, Recorded, SpaceSeen, Tally
from contracts.ids import ZoneLabel
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, at, count_seen, passage_seen, space_seen, status_seen


async def record(database: Database, recorder: Recorder, facts: Facts) -> Recorded:
    async with database.transaction() as tx:
        return await recorder.record_facts(tx, facts)


async def test_spaces_add_up_to_the_car_park(database: Database, recorder: Recorder) -> None:
    a, b, c, d = await add_car_park(database, capacity=4, spaces=4)
    facts = [space_seen(a), space_seen(b, "free"), space_seen(c, "free"), space_seen(d, "out_of_service")]
    recorded = await record(database, recorder, Facts(spaces=facts))
    (told,) = recorded.availabilities
    assert (told.occupied, told.capacity, told.out_of_service, told.unknown, told.free) == (1, 4, 1, 0, 2)
    assert (told.state, told.source, told.as_of, told.version) == (CarParkState.OPEN, "spaces", at(0), 1)
    assert recorded.tallies == {HERE: Tally(stored=4)}


async def test_repeats_and_late_events_are_counted_and_move_nothing(database: Database, recorder: Recorder) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    newest = space_seen(a, "free", 60, seq=2)
    first = await record(database, recorder, Facts(spaces=[newest, newest, space_seen(a, "occupied", 30, seq=1)]))
    assert first.tallies == {HERE: Tally(stored=1, duplicate=1, late=1)}
    again = await record(database, recorder, Facts(spaces=[newest, space_seen(a, "occupied", 45)]))
    assert again.tallies == {HERE: Tally(duplicate=1, late=1)}
    assert again.availabilities == []
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT state FROM occupancy.space_state") == "free"
        assert await tx.fetchval("SELECT count(*) FROM occupancy.space_event") == 3


async def test_an_uploaded_hour_becomes_its_curve(database: Database, recorder: Recorder) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    early = [space_seen(a, "occupied", 0), space_seen(b, "free", 0), space_seen(b, "occupied", 600)]
    await record(database, recorder, Facts(spaces=early))
    await record(database, recorder, Facts(spaces=[space_seen(a, "free", 1200), space_seen(b, "free", 1800)]))
    async with database.transaction() as tx:
        samples = await tx.fetch("SELECT at, occupied FROM occupancy.sample ORDER BY number")
    assert [tuple(row) for row in samples] == [(at(0), 1), (at(600), 2), (at(1200), 1), (at(1800), 0)]


async def test_every_count_of_a_car_park_is_history(database: Database, recorder: Recorder) -> None:
    await add_car_park(database, capacity=100)
    recording = [(61, 100), (64, 1800), (110, 3600), (108, 3600), (7, 900)]
    for occupied, seconds in recording:
        await record(database, recorder, Facts(counts=[count_seen(occupied, seconds)]))
    recorded = await record(database, recorder, Facts(counts=[count_seen(occupied, s) for occupied, s in recording]))
    assert recorded.tallies == {HERE: Tally(duplicate=5)}
    async with database.transaction() as tx:
        samples = await tx.fetch("SELECT occupied, capacity, at FROM occupancy.sample ORDER BY number")
        standing = await tx.fetchrow("SELECT occupied, as_of FROM occupancy.car_park_state")
    assert [tuple(row) for row in samples] == [(occupied, 100, at(seconds)) for occupied, seconds in recording]
    assert standing is not None
    assert tuple(standing) == (110, at(3600))


async def test_occupied_over_capacity_is_kept_and_free_is_nought(database: Database, recorder: Recorder) -> None:
    await add_car_park(database, capacity=100)
    (told,) = (await record(database, recorder, Facts(counts=[count_seen(104)]))).availabilities
    assert (told.occupied, told.capacity, told.free, told.state) == (104, 100, 0, CarParkState.FULL)
    assert told.overfull
    (told,) = (await record(database, recorder, Facts(counts=[count_seen(100, 1)]))).availabilities
    assert not told.overfull


async def test_what_a_counter_leaves_of_its_capacity_is_out_of_service(database: Database, recorder: Recorder) -> None:
    await add_car_park(database, capacity=100)
    facts = Facts(counts=[count_seen(40, 60, out=15), count_seen(40, 60, out=15), count_seen(30, 0, out=5)])
    recorded = await record(database, recorder, facts)
    (told,) = recorded.availabilities
    assert (told.occupied, told.out_of_service, told.free) == (40, 15, 45)
    assert recorded.tallies[HERE] == Tally(stored=1, duplicate=1, late=1)
    (told,) = (await record(database, recorder, Facts(counts=[count_seen(40, 60, out=20)]))).availabilities
    assert (told.out_of_service, told.free) == (20, 40)  # of two words of one moment the greater, in any order
    assert (await record(database, recorder, Facts(counts=[count_seen(40, 60, out=15)]))).availabilities == []
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT at, occupied, capacity, out_of_service FROM occupancy.sample ORDER BY at, number")
    assert [tuple(row) for row in rows] == [(at(0), 30, 100, 5), (at(60), 40, 100, 15), (at(60), 40, 100, 20)]


async def test_a_counter_that_says_it_has_nothing_has_nothing(database: Database, recorder: Recorder) -> None:
    await add_car_park(database, capacity=50)
    (told,) = (await record(database, recorder, Facts(counts=[count_seen(0, capacity=0)]))).availabilities
    assert (told.capacity, told.occupied, told.free, told.state) == (0, 0, 0, CarParkState.FULL)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
async def test_passages_count_on_from_the_last_count(
    database: Database, recorder: Recorder, order: tuple[int, ...]
) -> None:
    await add_car_park(database, capacity=100, measured_by="passages")
    facts = [
        Facts(passages=[passage_seen("p1", "entry", 10)]),
        Facts(counts=[count_seen(40, 100)]),
        Facts(passages=[passage_seen("p2", "entry", 110), passage_seen("p3", "entry", 120)]),
        Facts(passages=[passage_seen("p4", "exit", 130), passage_seen("p2", "entry", 110)]),
    ]
    for place in order:
        recorded = await record(database, recorder, facts[place])
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT occupied, source, as_of FROM occupancy.car_park_state")
    assert row is not None
    assert tuple(row) == (41, "passages", at(130))
    assert sum(tally.stored + tally.late + tally.duplicate for tally in recorded.tallies.values()) in (1, 2)


async def test_zones_are_added_up_from_sensors_and_counters(database: Database, recorder: Recorder) -> None:
    a, b, c = await add_car_park(database, capacity=13, spaces=3, zones={"A": 3})
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO registry.zone VALUES ($1, 'B', 10)", HERE)
    recorder = Recorder(OccupancySettings())
    spaces = [space_seen(a), space_seen(b, "free"), space_seen(c, "free")]
    (told,) = (await record(database, recorder, Facts(spaces=spaces))).availabilities
    assert (told.occupied, told.free, told.unknown, told.state) == (1, 12, 10, "unknown")
    counts = [count_seen(6, 5, capacity=10, zone="B")]
    (told,) = (await record(database, recorder, Facts(counts=counts))).availabilities
    assert (told.occupied, told.free, told.unknown, told.source) == (7, 6, 0, "counts")
    (told,) = (await record(database, recorder, Facts(spaces=[space_seen(b, "occupied", 9)]))).availabilities
    assert (told.occupied, told.free) == (8, 5)


async def test_a_car_park_that_is_mostly_not_known_is_unknown(database: Database, recorder: Recorder) -> None:
    a, *others = await add_car_park(database, capacity=10, spaces=10)
    (told,) = (await record(database, recorder, Facts(spaces=[space_seen(a)]))).availabilities
    assert (told.occupied, told.free, told.unknown, told.state) == (1, 9, 9, CarParkState.UNKNOWN)
    spaces = [space_seen(other, "free") for other in others]
    (told,) = (await record(database, recorder, Facts(spaces=spaces))).availabilities
    assert (told.occupied, told.free, told.unknown, told.state) == (1, 9, 0, CarParkState.OPEN)


async def test_a_space_whose_sensor_does_not_know_is_not_free(database: Database, recorder: Recorder) -> None:
    a, b, c = await add_car_park(database, capacity=3, spaces=3)
    spaces = [space_seen(a), space_seen(b, "free"), space_seen(c, "unknown")]
    (told,) = (await record(database, recorder, Facts(spaces=spaces))).availabilities
    assert (told.occupied, told.out_of_service, told.free, told.unknown) == (1, 1, 1, 1)


async def test_a_clock_that_runs_ahead_says_the_same_thing_once(database: Database, recorder: Recorder) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)

    def said(received: float, *, believed: float) -> Facts:
        ahead = None if believed == 30 else at(30)
        return Facts(
            spaces=[SpaceSeen(HERE, a, "occupied", at(believed), "", 1, None, at(received), ahead)],
            counts=[CountSeen(HERE, ZoneLabel(""), 2, 1, None, None, at(believed), "", 1, at(received), ahead)],
        )

    first = await record(database, recorder, said(0, believed=0))
    again = await record(database, recorder, said(5, believed=5))
    later = await record(database, recorder, said(60, believed=30))
    other = await record(database, recorder, Facts(spaces=[space_seen(b, "free", 70)]))
    assert [(one.tallies[HERE].stored, one.tallies[HERE].duplicate) for one in (first, again, later, other)] == [
        (2, 0),
        (0, 2),
        (0, 2),
        (1, 0),
    ]
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT at FROM occupancy.space_state WHERE space = $1", a) == at(0)
        assert await tx.fetchval("SELECT count(*) FROM occupancy.space_event WHERE space = $1", a) == 1
        assert await tx.fetchval("SELECT count(*) FROM occupancy.count_event") == 1


async def test_heartbeats_are_told_only_now_and_then(
    database: Database, recorder: Recorder, clock: ManualClock
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    told = []
    for second in range(0, 25, 5):
        clock.advance(5)
        told += (await record(database, recorder, Facts(spaces=[space_seen(a, "free", second)]))).availabilities
    assert [(availability.as_of, availability.version) for availability in told] == [
        (at(0), 1),
        (at(10), 2),
        (at(20), 3),
    ]


async def test_newer_data_overtakes_an_offline_notice(database: Database, recorder: Recorder) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await record(database, recorder, Facts(spaces=[space_seen(a, "free", 0)], statuses=[status_seen(True, 0)]))
    (told,) = (await record(database, recorder, Facts(statuses=[status_seen(False, 10)]))).availabilities
    assert told.online is False
    repeated = await record(database, recorder, Facts(statuses=[status_seen(False, 10)]))
    assert repeated.tallies == {HERE: Tally(duplicate=1)}
    (told,) = (await record(database, recorder, Facts(spaces=[space_seen(a, "free", 20)]))).availabilities
    assert told.online is True


async def test_two_gateways_at_once_add_up(database: Database) -> None:
    import asyncio

    numbers = await add_car_park(database, capacity=40, spaces=40)
    halves = [
        [
            Facts(spaces=[space_seen(number, "occupied", place)])
            for place, number in enumerate(numbers)
            if place % 2 == half
        ]
        for half in (0, 1)
    ]

    async def gateway(batches: list[Facts]) -> None:
        own = Recorder(OccupancySettings())
        for batch in batches:
            await record(database, own, batch)

    await asyncio.gather(*(gateway(half) for half in halves))
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT occupied, spaces_occupied, version FROM occupancy.car_park_state")
    assert row is not None
    assert tuple(row) == (40, 40, 40)
