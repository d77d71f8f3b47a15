"""What is seen of everybody's data, and the score that follows."""

import pytest
from msgspec.structs import replace

from contracts.facts import Facts
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, at, count_seen, space_seen, status_seen
from tests.integration.occupancy.conftest import Record
from tests.integration.occupancy.watching import Watch, poor_and_good, seen_by


@pytest.fixture
def watch(database: Database, settings: OccupancySettings, clock: ManualClock) -> Watch:
    return Watch(database, settings, clock)


async def test_never_heard_is_not_rated(database: Database, watch: Watch) -> None:
    await add_car_park(database, spaces=2)
    await watch.look(2)
    assert await watch.score() is None


async def test_clean_data_keeps_100(database: Database, watch: Watch, record: Record) -> None:
    spaces = await add_car_park(database, capacity=4, spaces=4)
    for minute in range(10):
        await record(seen_by(spaces, 60 * minute, seq=minute, received=60 * minute + 0.4))
        await watch.booked(stored=4)
        await watch.look()
    await watch.look()
    assert (await watch.score(), await watch.codes()) == (100, [])
    seen = await watch.hour()
    assert (seen["looks"], seen["dark"], seen["unheard"], seen["stored"], seen["lost"]) == (11, 0, 0, 40, 0)
    async with database.transaction(readonly=True) as tx:
        assert sum(await tx.fetchval("SELECT latencies FROM occupancy.health_hour")) == 40


async def test_silence_is_poor_at_once_and_forgotten_within_a_day(
    database: Database, watch: Watch, record: Record
) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 0))
    await watch.look(2)
    assert await watch.score() == 100
    await watch.look(every_s=1_000)
    assert await watch.score() is not None
    assert (await watch.score() or 0) <= 40
    assert (await watch.codes())[0] == "dark_now"
    await watch.look(24, every_s=3_600)
    assert await watch.score() == 0
    scores = []
    for _ in range(25):
        await record(seen_by([space], (watch.clock.now() - at(0)).total_seconds()))
        await watch.look(every_s=1)
        watch.clock.advance(3_599)
        scores.append(await watch.score())
    assert scores == sorted(scores, key=lambda score: score or 0)
    assert scores[-1] == 100


async def test_a_gateway_that_said_goodbye_is_dark(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 0))
    await record(Facts(statuses=[status_seen(False, 30)]))
    await watch.look()
    assert await watch.codes() == ["dark_now", "dark"]


async def test_nobody_is_to_blame_while_we_do_not_listen(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 0))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO gateway.slot (client_id, until) VALUES ('berth-0', now() - interval '1 minute')")
        await tx.execute("INSERT INTO gateway.subscription VALUES ('berth-0', 'op', now())")
    await watch.look(every_s=2_000)
    assert await watch.score() == 100
    async with database.transaction() as tx:
        await tx.execute("UPDATE gateway.slot SET until = now() + interval '1 hour'")
    await watch.look()
    assert await watch.score() == 0


async def test_a_closed_car_park_may_be_silent(database: Database, watch: Watch, record: Record) -> None:
    await add_car_park(database, capacity=9, opening_hours="Mo-Su 09:00-10:00")
    await record(Facts(counts=[count_seen(1, capacity=9)]))
    await watch.look(every_s=2_000)
    assert await watch.score() == 100


async def test_lost_words_cost_until_they_come_late(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    for seq in (1, 2, 9, 10):
        await record(seen_by([space], seq, seq=seq, epoch="a"))
    await watch.booked(stored=4)
    await watch.look()
    seen = await watch.hour()
    assert (seen["gaps"], seen["lost"], seen["gapped"]) == (1, 6, 0)
    assert await watch.codes() == ["lost"]
    await watch.look()
    assert "open_gaps" in await watch.codes()
    for seq in range(3, 9):
        await record(seen_by([space], seq, seq=seq, epoch="a"))
    await watch.look()
    assert "lost" not in await watch.codes()


async def test_a_jump_of_a_million_is_one_accident(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 1, seq=1, epoch="a"))
    await record(seen_by([space], 2, seq=1_000_000, epoch="a"))
    await watch.look()
    assert (await watch.hour())["lost"] == 100


async def test_the_books_count_once(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 0))
    await watch.booked(stored=50, duplicate=5, late=3, dead=50)
    await watch.look()
    await watch.booked(stored=1)
    await watch.look(3)
    seen = await watch.hour()
    assert [seen[name] for name in ("stored", "duplicate", "late", "rejected")] == [51, 5, 3, 50]
    assert (await watch.codes())[0] == "rejected"


async def test_doubtful_spaces_cost(database: Database, watch: Watch, record: Record) -> None:
    spaces = await add_car_park(database, capacity=10, spaces=10)
    await record(seen_by(spaces, 0))
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO occupancy.space_doubt VALUES ($1, $2, 'silent', 'unknown', NULL),"
            " ($4, $2, 'flapping', 'free', $3)",
            spaces[0],
            HERE,
            tx.now,
            spaces[1],
        )
    await watch.look()
    assert set(await watch.codes()) == {"silent_spaces", "flapping_spaces"}


async def test_spaces_never_heard_are_not_known(database: Database, watch: Watch, record: Record) -> None:
    spaces = await add_car_park(database, capacity=10, spaces=10)
    await record(seen_by(spaces[:8], 0))
    await watch.look()
    assert await watch.codes() == ["unknown_spaces"]


async def test_a_counter_above_its_capacity_has_drifted(database: Database, watch: Watch, record: Record) -> None:
    await add_car_park(database, capacity=9)
    await record(Facts(counts=[count_seen(12, capacity=9)]))
    await watch.look()
    assert await watch.codes() == ["overfull"]


async def test_slow_and_fast_clocks_are_seen_of_every_kind(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    slow = count_seen(1, 0, capacity=1)
    await record(Facts(spaces=[space_seen(space, "free", 0, received=40)], counts=[replace(slow, received_at=at(40))]))
    fast = space_seen(space, "occupied", 50)
    await record(Facts(spaces=[replace(fast, told_at=at(86_400 * 365))]))
    await watch.booked(stored=3)
    await watch.look()
    seen = await watch.hour()
    assert seen["clock_ahead"] == 1
    assert {"latency", "clock_ahead"} <= set(await watch.codes())


async def test_what_a_device_had_kept_is_no_latency(database: Database, watch: Watch, record: Record) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], -5_000, received=10))
    await record(seen_by([space], 20, received=20))
    await watch.look()
    async with database.transaction(readonly=True) as tx:
        assert sum(await tx.fetchval("SELECT latencies FROM occupancy.health_hour")) == 1


async def test_old_hours_and_what_is_gone_are_forgotten(
    database: Database, watch: Watch, record: Record, settings: OccupancySettings
) -> None:
    (space,) = await add_car_park(database, capacity=1, spaces=1)
    await record(seen_by([space], 0))
    await watch.look()
    watch.clock.advance(86_400 * (settings.health_retention_days + 1))
    async with database.transaction() as tx:
        await tx.execute("UPDATE registry.car_park SET retired = true")
    await watch.steps.forget()
    async with database.transaction(readonly=True) as tx:
        assert await tx.fetchval("SELECT count(*) FROM occupancy.health_hour") == 0
        assert await tx.fetchval("SELECT count(*) FROM occupancy.quality") == 0


async def test_scores_are_measured(database: Database, record: Record, watch: Watch) -> None:
    await poor_and_good(database, record, watch)
    assert watch.registry.get_sample_value("berth_quality_score", {"band": "80-89"}) == 1
    assert watch.registry.get_sample_value("berth_quality_score", {"band": "90-100"}) == 1
    assert watch.registry.get_sample_value("berth_quality_poor_car_parks") == 0
    await watch.look(every_s=4_000)
    assert watch.registry.get_sample_value("berth_quality_poor_car_parks") == 2
