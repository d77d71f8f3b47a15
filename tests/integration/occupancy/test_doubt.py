"""Silent and flapping sensors: what is told of their spaces, and that nothing of what they said is lost."""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.availability import Availability, CarParkState
from contracts.facts import Facts
from contracts.ids import SpaceNumber
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.doubt_steps import DoubtSteps
from occupancy.record import Recorder
from occupancy.recount import recount
from occupancy.settings import OccupancySettings
from occupancy.silence import LOOK_S, learn_heartbeats
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import HERE, add_car_park, space_seen
from tests.integration.occupancy.conftest import Record


class Ear:
    """A connection that hears as long as the test lets it."""

    def __init__(self) -> None:
        self.connection = 1
        self.hears = True

    def mine(self, operator: str) -> bool:
        return bool(operator)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def told() -> list[Availability]:
    return []


@pytest.fixture
def steps(database: Database, recorder: Recorder, ear: Ear, told: list[Availability]) -> DoubtSteps:
    def tell(availabilities: Sequence[Availability]) -> None:
        told.extend(availabilities)

    return DoubtSteps(database, recorder, ear, tell)


async def set_heartbeat(database: Database, seconds: float, space: str | None = None) -> None:
    """Of the whole car park, or of the device of one space."""
    async with database.transaction() as tx:
        if space is None:
            await tx.execute("UPDATE registry.car_park SET heartbeat_s = $1", seconds)
        else:
            await tx.execute(
                "INSERT INTO registry.device (id, operator, profile, car_park, space, settings, updated_at)"
                " VALUES ($1, 'op', 'mqtt', $2, $1, $3, $4)",
                space,
                HERE,
                {"heartbeat_s": seconds},
                tx.now,
            )
        await tx.execute("UPDATE registry.revision SET value = value + 1")


async def value(database: Database, statement: str) -> Any:
    async with database.transaction(readonly=True) as tx:
        return await tx.fetchval(statement)


async def spaces_of(site: Site) -> list[dict[str, Any]]:
    async with site.client.get(f"/v1/car-parks/{HERE}/spaces") as answer:
        items: list[dict[str, Any]] = (await answer.json())["items"]
        return items


async def turn(steps: DoubtSteps, clock: ManualClock, seconds: float) -> None:
    """The loop of silence for so long."""
    for _ in range(int(seconds // 5)):
        clock.advance(5)
        await steps.silence()


async def test_a_space_silent_past_its_heartbeat_is_unknown_until_its_next_word(
    database: Database,
    record: Record,
    steps: DoubtSteps,
    clock: ManualClock,
    told: list[Availability],
    recorder: Recorder,
    site: Site,
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await set_heartbeat(database, 20, "A-000")
    await record(Facts(spaces=[space_seen(a, "free"), space_seen(b, "free")]))
    await steps.silence()
    await turn(steps, clock, 40)
    assert told == []
    await record(Facts(spaces=[space_seen(b, "free", 40)]))
    await turn(steps, clock, 10)
    (silent,) = told
    assert (silent.free, silent.unknown, silent.out_of_service, silent.version) == (1, 1, 1, 3)
    items = await spaces_of(site)
    assert [(item["state"], item["stale"], item.get("doubt")) for item in items] == [
        ("unknown", True, "silent"),
        ("free", False, None),
    ]
    async with database.transaction() as tx:
        assert (await recount(tx, recorder, [HERE]))[0] == 0
    (back,) = (await record(Facts(spaces=[space_seen(a, "occupied", 51)]))).availabilities
    assert (back.free, back.unknown, back.occupied) == (1, 0, 1)
    assert await value(database, "SELECT count(*) FROM occupancy.space_doubt") == 0
    assert await value(database, "SELECT doubted FROM occupancy.car_park_state") == 0


async def test_a_late_word_ends_no_silence(
    database: Database, record: Record, steps: DoubtSteps, clock: ManualClock
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await set_heartbeat(database, 20)
    await record(Facts(spaces=[space_seen(a, "free", 0)]))
    await steps.silence()
    await turn(steps, clock, 50)
    late = await record(Facts(spaces=[space_seen(a, "occupied", -10, received=50)]))
    assert late.tallies[HERE].late == 1
    assert await value(database, "SELECT count(*) FROM occupancy.space_doubt") == 1


async def test_without_a_heartbeat_a_space_is_believed_for_some_days(
    database: Database, record: Record, steps: DoubtSteps, clock: ManualClock, told: list[Availability]
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    stale_s = OccupancySettings().space_stale_after_s
    await record(Facts(spaces=[space_seen(a, "free", 0)]))
    await steps.silence()
    clock.advance(stale_s - 900)
    await turn(steps, clock, 800)
    assert told == []
    await turn(steps, clock, 900)
    assert [(one.free, one.unknown) for one in told] == [(0, 1)]


async def test_a_word_that_was_old_when_it_came_leaves_no_space_free(
    database: Database, record: Record, steps: DoubtSteps, clock: ManualClock, told: list[Availability], site: Site
) -> None:
    a, b, *_ = await add_car_park(database, capacity=6, spaces=6)
    await record(Facts(spaces=[space_seen(a, "free", 0), space_seen(b, "free", -400 * 86_400, received=0)]))
    await steps.silence()
    assert [(one.free, one.unknown) for one in told] == [(5, 5)]
    states = {item["space"]: (item["state"], item["stale"]) for item in await spaces_of(site)}
    assert (states["A-000"], states["A-001"]) == (("free", False), ("unknown", True))


async def test_what_we_could_not_hear_is_no_silence(
    database: Database, record: Record, steps: DoubtSteps, clock: ManualClock, told: list[Availability], ear: Ear
) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await set_heartbeat(database, 20)
    await record(Facts(spaces=[space_seen(a, "free", 0)]))
    await steps.silence()
    await turn(steps, clock, 30)
    ear.hears = False
    await turn(steps, clock, 300)
    ear.hears, ear.connection = True, 2
    await turn(steps, clock, 30)
    assert told == []
    await turn(steps, clock, 30)
    assert [availability.unknown for availability in told] == [1]


async def test_a_heartbeat_is_learned_from_sensors_that_keep_one_and_not_from_others(
    database: Database, record: Record, clock: ManualClock
) -> None:
    regular = await add_car_park(database, capacity=20, spaces=20)
    (moody,) = await add_car_park(database, HERE.replace("001", "002"), capacity=1, spaces=1)  # type: ignore[arg-type]  # a slug
    elapsed = 0.0
    for look in range(290):
        if look % 2 == 0:
            await record(Facts(spaces=[space_seen(space, "free", elapsed) for space in regular[:19]]))
        if look in (0, 30, 250):
            await record(Facts(spaces=[space_seen(moody, "free", elapsed, car_park=HERE.replace("001", "002"))]))  # type: ignore[arg-type]
        clock.advance(LOOK_S)
        elapsed += LOOK_S
        async with database.transaction() as tx:
            await learn_heartbeats(tx)
    async with database.transaction() as tx:
        learned = {row[0]: row[1] for row in await tx.fetch("SELECT car_park, learned_s FROM occupancy.heartbeat")}
    assert learned == {HERE: 600, HERE.replace("001", "002"): None}


async def flap(record: Record, space: SpaceNumber, begin: float, times: int) -> list[Availability]:
    """`times` changes, a second apart, from occupied on."""
    found: list[Availability] = []
    for place in range(times):
        state = "free" if place % 2 == 0 else "occupied"
        found += (await record(Facts(spaces=[space_seen(space, state, begin + place, seq=place + 1)]))).availabilities  # type: ignore[arg-type]
    return found


async def test_a_sensor_that_flaps_is_held_at_what_held_before_and_settles_at_its_last_word(
    database: Database,
    record: Record,
    steps: DoubtSteps,
    clock: ManualClock,
    told: list[Availability],
    recorder: Recorder,
    site: Site,
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await record(Facts(spaces=[space_seen(a, "occupied", seq=0), space_seen(b, "free")]))
    clock.advance(51)
    moves = await flap(record, a, 1, 51)
    assert [one.occupied for one in moves][:40] == [0, 1] * 20
    assert {one.occupied for one in moves[40:]} == {1}
    (item, _) = await spaces_of(site)
    assert (item["state"], item["stale"], item.get("doubt")) == ("occupied", False, "flapping")
    async with database.transaction() as tx:
        assert (await recount(tx, recorder, [HERE]))[0] == 0
    clock.advance(9)
    await steps.settle()
    assert told == []
    clock.advance(1)
    await steps.settle()
    (settled,) = told
    assert (settled.occupied, settled.free, settled.state) == (0, 2, CarParkState.OPEN)
    assert await value(database, "SELECT count(*) FROM occupancy.space_event") == 53
    assert await value(database, "SELECT doubted FROM occupancy.car_park_state") == 0
    (after,) = (await record(Facts(spaces=[space_seen(a, "occupied", 90, seq=99)]))).availabilities
    assert after.occupied == 1


async def test_flapping_within_one_batch_and_through_zones(
    database: Database, record: Record, recorder: Recorder
) -> None:
    a, b = await add_car_park(database, capacity=4, spaces=2, zones={"A": 2, "B": 2}, measured_by="mixed")
    await record(Facts(spaces=[space_seen(a, "occupied"), space_seen(b, "free")]))
    words = [space_seen(a, "free" if place % 2 == 0 else "occupied", 1 + place) for place in range(43)]
    await record(Facts(spaces=words))
    assert await value(database, "SELECT occupied FROM occupancy.car_park_state") == 1
    async with database.transaction() as tx:
        assert (await recount(tx, recorder, [HERE]))[0] == 0


async def test_when_everything_flaps_at_once_it_is_no_fault_of_sensors(database: Database, record: Record) -> None:
    spaces = await add_car_park(database, capacity=60, spaces=60)
    for place in range(45):
        state = "free" if place % 2 == 0 else "occupied"
        await record(Facts(spaces=[space_seen(space, state, 1 + place) for space in spaces]))  # type: ignore[arg-type]
    assert await value(database, "SELECT count(*) FROM occupancy.space_doubt") == 3


async def test_cars_that_come_and_go_do_not_flap(database: Database, record: Record) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    words = [space_seen(a, "free" if place % 2 == 0 else "occupied", place * 15) for place in range(40)]
    for word in words:
        await record(Facts(spaces=[word]))
    assert await value(database, "SELECT count(*) FROM occupancy.space_doubt") == 0


async def test_an_uploaded_day_of_a_busy_space_does_not_flap(database: Database, record: Record) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    words = [space_seen(a, "free" if place % 2 == 0 else "occupied", place * 600 - 90_000) for place in range(144)]
    await record(Facts(spaces=words))
    assert await value(database, "SELECT count(*) FROM occupancy.space_doubt") == 0
