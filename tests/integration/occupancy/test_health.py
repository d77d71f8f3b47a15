"""What is seen of everybody's data, the score that follows, and who may read it."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from contracts.facts import DeviceHeard, Facts
from contracts.ids import CarParkId, DeviceId, OperatorId, SpaceNumber
from gateway.sql.tallies import add_tallies
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.health_meters import HealthMeters
from occupancy.health_steps import HealthSteps
from occupancy.hear_devices import hear_devices
from occupancy.service import Serving
from occupancy.settings import OccupancySettings
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from tests.integration.kernel.conftest import Serve, Site
from tests.integration.occupancy.city import HERE, add_car_park, at, count_seen, space_seen, status_seen
from tests.integration.occupancy.conftest import Record

OTHER = CarParkId("sy-tiexi-002")


class Watch:
    """The worker's loops, turned by hand; what is seen and given."""

    def __init__(self, database: Database, settings: OccupancySettings, clock: ManualClock) -> None:
        self.registry = CollectorRegistry()
        self.steps = HealthSteps(database, settings, HealthMeters(self.registry))
        self.database, self.clock = database, clock

    async def look(self, looks: int = 1, *, every_s: float = 60) -> None:
        for _ in range(looks):
            self.clock.advance(every_s)
            await self.steps.look()

    async def hour(self, car_park: CarParkId = HERE) -> dict[str, Any]:
        """The sums of all hours kept."""
        async with self.database.transaction(readonly=True) as tx:
            rows = await tx.fetch("SELECT * FROM occupancy.health_hour WHERE car_park = $1", car_park)
        sums: dict[str, Any] = {}
        for row in rows:
            for name, value in dict(row).items():
                if isinstance(value, int):
                    sums[name] = sums.get(name, 0) + value
        return sums

    async def score(self, car_park: CarParkId = HERE) -> int | None:
        async with self.database.transaction(readonly=True) as tx:
            score: int | None = await tx.fetchval(
                "SELECT score FROM occupancy.quality_now WHERE car_park = $1", car_park
            )
        return score

    async def codes(self, car_park: CarParkId = HERE) -> list[str]:
        async with self.database.transaction(readonly=True) as tx:
            reasons = await tx.fetchval("SELECT reasons FROM occupancy.quality_now WHERE car_park = $1", car_park)
        return [reason["code"] for reason in reasons]

    async def booked(self, car_park: CarParkId = HERE, *, stored: int = 0, duplicate: int = 0, late: int = 0,
                     dead: int = 0) -> None:  # fmt: skip
        async with self.database.transaction() as tx:
            await add_tallies(tx, [(car_park, stored, duplicate, late, dead)])


@pytest.fixture
def watch(database: Database, settings: OccupancySettings, clock: ManualClock) -> Watch:
    return Watch(database, settings, clock)


def seen_by(spaces: Sequence[SpaceNumber], seconds: float, **more: Any) -> Facts:
    return Facts(spaces=[space_seen(space, "free", seconds, **more) for space in spaces])


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
            "INSERT INTO occupancy.space_doubt VALUES ($1, $2, 'silent', 'unknown', $3, NULL, 0),"
            " ($4, $2, 'flapping', 'free', $3, $3, 50)",
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


# What is told of it.


class Operated:
    """The operations with the keys of two operators."""

    def __init__(self, site: Site, keys: dict[str, str]) -> None:
        self.site, self.keys = site, keys

    async def get(self, path: str, *, key: str | None = "op", status: int = 200) -> Any:
        headers = {} if key is None else {"Authorization": f"Bearer {self.keys[key]}"}
        async with self.site.client.get(path, headers=headers) as response:
            assert response.status == status, await response.text()
            return await response.json()


@pytest.fixture
async def operated(side: Serving, database: Database, serve: Serve) -> Operated:
    keys = {}
    async with database.transaction() as tx:
        for operator in ("op", "rival"):
            await tx.execute("INSERT INTO registry.operator VALUES ($1, $1, $1, $2)", operator, tx.now)
            keys[operator] = (await issue_key(tx, OperatorId(operator), name="test", actor="test")).text
        keys["city"] = (await issue_key(tx, None, name="test", actor="test")).text
    return Operated(await serve(*side.service.apis, database=database, keys=RegistryKeyStore(database)), keys)


async def poor_and_good(database: Database, record: Record, watch: Watch) -> list[SpaceNumber]:
    """HERE with a tenth of its words refused, OTHER clean."""
    spaces = await add_car_park(database, capacity=2, spaces=2)
    others = await add_car_park(database, OTHER, capacity=1, spaces=1)
    await record(seen_by(spaces, 0))
    await record(Facts(spaces=[space_seen(others[0], "free", car_park=OTHER)]))
    await watch.booked(stored=90, dead=10)
    await watch.booked(OTHER, stored=9)
    await watch.look()
    return spaces


async def test_everybody_sees_the_score_and_its_reasons(
    database: Database, record: Record, watch: Watch, operated: Operated, side: Serving
) -> None:
    await poor_and_good(database, record, watch)
    await add_car_park(database, CarParkId("never"), capacity=1)
    await side.board.load()
    card = await operated.get(f"/v1/car-parks/{HERE}", key=None)
    assert card["quality"] == 80
    (reason,) = card["quality_reasons"]
    assert (reason["code"], reason["points"], reason["measure"]) == ("rejected", 20, 0.1)
    assert reason["text"] == {"zh": "10% 的消息被拒绝", "en": "10 % of the messages were refused"}
    cards = {card["id"]: card for card in (await operated.get("/v1/car-parks", key=None))["items"]}
    assert (cards[HERE]["quality"], cards[OTHER]["quality"], cards["never"]["quality"]) == (80, 100, None)
    assert "quality_reasons" not in cards[HERE]
    assert "quality" not in cards[HERE]["availability"]
    for least, found in ((0, {HERE, OTHER}), (80, {HERE, OTHER}), (81, {OTHER})):
        page = await operated.get(f"/v1/car-parks?min_quality={least}", key=None)
        assert {card["id"] for card in page["items"]} == found
    assert (await operated.get("/v1/car-parks/never", key=None))["quality_reasons"] == []
    await operated.get("/v1/car-parks?min_quality=101", key=None, status=400)


async def test_the_score_is_part_of_what_a_validator_stands_for(
    database: Database, record: Record, watch: Watch, operated: Operated, side: Serving
) -> None:
    await poor_and_good(database, record, watch)
    await side.board.load()

    async def tag() -> str:
        async with operated.site.client.get(f"/v1/car-parks/{HERE}") as response:
            return response.headers["ETag"]

    before = await tag()
    assert await tag() == before
    await watch.booked(dead=40)
    await watch.look()
    await side.board.load()
    assert await tag() != before


async def test_an_operator_sees_the_worst_first_and_nobody_elses(
    database: Database, record: Record, watch: Watch, operated: Operated
) -> None:
    await poor_and_good(database, record, watch)
    await add_car_park(database, CarParkId("aaa-never"), capacity=1)
    first = await operated.get("/v1/operator/health?limit=2")
    assert [(one["car_park"], one["quality"]) for one in first["items"]] == [(HERE, 80), (OTHER, 100)]
    rest = await operated.get(f"/v1/operator/health?limit=2&cursor={first['next']}")
    assert [(one["car_park"], one["quality"]) for one in rest["items"]] == [("aaa-never", None)]
    assert rest["next"] is None
    assert (await operated.get("/v1/operator/health", key="rival"))["items"] == []
    assert len((await operated.get("/v1/operator/health", key="city"))["items"]) == 3
    for path in ("health", "devices"):
        told = await operated.get(f"/v1/operator/car-parks/{HERE}/{path}", key="rival", status=404)
        assert told["code"] == "unknown-car-park"
        await operated.get(f"/v1/operator/car-parks/{HERE}/{path}", key=None, status=401)


async def test_one_car_park_in_figures(database: Database, record: Record, watch: Watch, operated: Operated) -> None:
    await poor_and_good(database, record, watch)
    told = await operated.get(f"/v1/operator/car-parks/{HERE}/health")
    assert (told["quality"], told["stale"], told["open_gaps"]) == (80, False, 0)
    assert told["devices"] == {"known": 2, "silent": 0, "battery_low": 0}
    for figures in (told["today"], told["last_24h"], told["hours"][0]):
        assert [figures[name] for name in ("received", "stored", "rejected", "lost")] == [100, 90, 10, 0]
        assert (figures["dark_share"], figures["silent_share"]) == (0, 0)
        assert figures["latency_p95_s"] <= 0.05
    assert [hour["at"] for hour in told["hours"]] == ["2026-11-23T00:00:00.000Z"]


async def test_devices_and_whoever_speaks_without_being_registered(
    database: Database, record: Record, watch: Watch, operated: Operated
) -> None:
    spaces = await add_car_park(database, capacity=3, spaces=3, zones={"B1": 3})
    async with database.transaction() as tx:
        for device, space in (("70b3d5499f9a0001", "A-000"), ("70b3d5499f9a0002", "A-002")):
            await tx.execute(
                "INSERT INTO registry.device (id, operator, profile, car_park, space, settings, updated_at)"
                " VALUES ($1, 'op', 'nwave', $2, $3, $4, $5)",
                device,
                HERE,
                space,
                {"heartbeat_s": 600},
                tx.now,
            )
    word = DeviceHeard(
        DeviceId("70b3d5499f9a0001"), HERE, at(1), at(3), "heartbeat", battery=0.15, battery_mv=3_100, rssi=-110.5
    )
    async with database.transaction() as tx:
        await hear_devices(tx, [word, replace(word, at=at(2), battery=None, battery_mv=3_090), replace(word, at=at(0))])
    await record(
        Facts(spaces=[replace(space_seen(spaces[1], received=5), battery=0.9)], counts=[count_seen(1, zone="B1")])
    )
    await watch.look()
    page = await operated.get(f"/v1/operator/car-parks/{HERE}/devices?limit=3")
    told = {one["source"]: one for one in page["items"]}
    assert list(told) == ["counter/B1", "device/70b3d5499f9a0001", "device/70b3d5499f9a0002"]
    radio = told["device/70b3d5499f9a0001"]
    assert (radio["battery"], radio["battery_mv"], radio["rssi"], radio["latency_s"]) == (0.15, 3_090, -110.5, 1)
    assert (radio["space"], radio["silent"], radio["last_seen_at"]) == ("A-000", False, "2026-11-23T00:00:03.000Z")
    rest = await operated.get(f"/v1/operator/car-parks/{HERE}/devices?limit=3&cursor={page['next']}")
    (sensor,) = rest["items"]
    assert (sensor["source"], sensor["device"], sensor["battery"], sensor["latency_s"]) == (
        "sensor/A-001",
        None,
        0.9,
        5,
    )

    async def sources(query: str) -> list[str]:
        found = await operated.get(f"/v1/operator/car-parks/{HERE}/devices?{query}")
        return [one["source"] for one in found["items"]]

    assert await sources("silent=true") == ["device/70b3d5499f9a0002"]
    assert await sources("battery_below=0.2") == ["device/70b3d5499f9a0001"]
    assert await sources("battery_below=0.95&silent=false") == ["device/70b3d5499f9a0001", "sensor/A-001"]
    watch.clock.advance(1_300)
    assert await sources("silent=true") == ["counter/B1", "device/70b3d5499f9a0001", "device/70b3d5499f9a0002"]
    await watch.steps.count_devices()
    assert watch.registry.get_sample_value("berth_quality_silent_devices") == 3
    assert watch.registry.get_sample_value("berth_quality_low_batteries") == 1
    health = await operated.get(f"/v1/operator/car-parks/{HERE}/health")
    assert health["devices"] == {"known": 4, "silent": 3, "battery_low": 1}


async def test_a_word_that_a_device_had_kept_says_nothing_of_its_latency(
    database: Database, record: Record, operated: Operated
) -> None:
    spaces = await add_car_park(database, capacity=2, spaces=2)
    old = space_seen(spaces[0], seconds=-1_500 * 86_400, received=5)
    await record(Facts(spaces=[old, space_seen(spaces[1], received=5)]))
    page = await operated.get(f"/v1/operator/car-parks/{HERE}/devices")
    latencies = {one["source"]: one["latency_s"] for one in page["items"]}
    assert latencies["sensor/A-000"] is None
    assert latencies["sensor/A-001"] is not None


async def test_scores_are_measured(database: Database, record: Record, watch: Watch) -> None:
    await poor_and_good(database, record, watch)
    assert watch.registry.get_sample_value("berth_quality_score", {"band": "80-89"}) == 1
    assert watch.registry.get_sample_value("berth_quality_score", {"band": "90-100"}) == 1
    assert watch.registry.get_sample_value("berth_quality_poor_car_parks") == 0
    await watch.look(every_s=4_000)
    assert watch.registry.get_sample_value("berth_quality_poor_car_parks") == 2
