"""What is told of everybody's data, and who may read it."""

from typing import Any

import pytest
from msgspec.structs import replace

from contracts.facts import DeviceHeard, Facts
from contracts.ids import CarParkId, DeviceId, OperatorId
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.hear_devices import hear_devices
from occupancy.service import Serving
from occupancy.settings import OccupancySettings
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from tests.integration.kernel.conftest import Serve, Site
from tests.integration.occupancy.city import HERE, add_car_park, at, count_seen, space_seen
from tests.integration.occupancy.conftest import Record
from tests.integration.occupancy.watching import OTHER, Watch, poor_and_good


@pytest.fixture
def watch(database: Database, settings: OccupancySettings, clock: ManualClock) -> Watch:
    return Watch(database, settings, clock)


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


async def register(
    database: Database, device: str, settings: dict[str, int], *, space: str | None = None, zone: str | None = None
) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO registry.device (id, operator, profile, car_park, space, zone, settings, updated_at)"
            " VALUES ($1, 'op', 'nwave', $2, $3, $4, $5, $6)",
            device,
            HERE,
            space,
            zone,
            settings,
            tx.now,
        )


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
    for device, space in (("70b3d5499f9a0001", "A-000"), ("70b3d5499f9a0002", "A-002")):
        await register(database, device, {"heartbeat_s": 600}, space=space)
    word = DeviceHeard(DeviceId("70b3d5499f9a0001"), HERE, at(1), at(3), battery=0.15, battery_mv=3_100, rssi=-110.5)
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


async def test_a_registered_counter_is_judged_by_its_own_words(
    database: Database, record: Record, watch: Watch, operated: Operated
) -> None:
    await add_car_park(database, capacity=100, zones={"B1": 40, "B2": 60})
    await register(database, "c1", {"heartbeat_s": 600}, zone="B1")
    await register(database, "c2", {}, zone="B2")
    told = [count_seen(1, capacity=40, zone="B1"), count_seen(2, capacity=60, zone="B2")]
    await record(Facts(counts=[replace(count, received_at=at(2)) for count in told]))
    page = f"/v1/operator/car-parks/{HERE}/devices"
    found = {one["source"]: (one["zone"], one["latency_s"]) for one in (await operated.get(page))["items"]}
    assert found == {"device/c1": ("B1", 2), "device/c2": ("B2", 2)}
    for seconds, silent in ((800, []), (200, ["device/c2"]), (300, ["device/c1", "device/c2"])):
        watch.clock.advance(seconds)
        assert [one["source"] for one in (await operated.get(f"{page}?silent=true"))["items"]] == silent
