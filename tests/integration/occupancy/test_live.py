"""The live stream, from a real server on a real database: what a reader who stays, comes back or looks on hears."""

import json
from typing import Any

import aiohttp

from contracts.facts import Facts
from contracts.ids import CarParkId
from kernel.db import Database
from occupancy.service import Serving
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, retire
from tests.integration.occupancy.conftest import Record, publish

FAR = CarParkId("sy-shenhe-002")


async def next_event(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    event: dict[str, Any] = {}
    while True:
        line = (await stream.content.readline()).decode().rstrip("\n")
        if not line and "data" in event:
            return event
        name, _, value = line.partition(": ")
        if name in ("event", "id", "data"):
            event[name] = json.loads(value) if name == "data" else value


async def test_the_stream_resets_and_then_tells_changes(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    await add_car_park(database, capacity=100)
    await add_car_park(database, FAR, capacity=50, district="shenhe")
    await side.board.load()
    side.board.flush()
    async with (
        site.client.get("/v1/live") as stream,
        site.client.get("/v1/live", params={"district": "shenhe"}) as there,
    ):
        reset = await next_event(stream)
        assert reset["event"] == "reset"
        assert {item["car_park"] for item in reset["data"]["items"]} == {HERE, FAR}
        assert [item["car_park"] for item in (await next_event(there))["data"]["items"]] == [FAR]
        publish(side, await record(Facts(counts=[count_seen(1)])))
        delta = await next_event(stream)
        assert (delta["event"], [item["occupied"] for item in delta["data"]["items"]]) == ("delta", [1])
        publish(side, await record(Facts(counts=[count_seen(2, 1), count_seen(3, 1, car_park=FAR)])))
        assert [item["car_park"] for item in (await next_event(there))["data"]["items"]] == [FAR]


async def test_a_reader_that_comes_back_gets_what_it_missed(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    await add_car_park(database, capacity=100)
    await side.board.load()
    side.board.flush()
    async with site.client.get("/v1/live") as stream:
        last = (await next_event(stream))["id"]
    publish(side, await record(Facts(counts=[count_seen(1, 1)])))
    publish(side, await record(Facts(counts=[count_seen(2, 2)])))
    async with site.client.get("/v1/live", headers={"Last-Event-ID": last}) as stream:
        missed = await next_event(stream)
    assert (missed["event"], [item["occupied"] for item in missed["data"]["items"]]) == ("delta", [2])
    for stranger in ("elsewhere-3", f"{last.split('-')[0]}-999"):
        async with site.client.get("/v1/live", headers={"Last-Event-ID": stranger}) as stream:
            assert (await next_event(stream))["event"] == "reset"


async def test_whoever_follows_hears_who_was_taken_out_of_the_city(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    await add_car_park(database, capacity=100)
    await add_car_park(database, FAR, capacity=50, district="Shenhe")
    await side.board.load()
    side.board.flush()
    async with (
        site.client.get("/v1/live") as stream,
        site.client.get("/v1/live", params={"district": "shenhe"}) as there,
        site.client.get("/v1/live", params={"district": "heping"}) as elsewhere,
    ):
        last = (await next_event(stream))["id"]
        for reader in (there, elsewhere):
            await next_event(reader)
        await retire(database, FAR)
        await registry_looked_at(side)
        for reader in (stream, there):
            delta = await next_event(reader)
            assert (delta["event"], delta["data"]) == ("delta", {"items": [], "removed": [FAR]})
        publish(side, await record(Facts(counts=[count_seen(1)])))
        for reader in (stream, elsewhere):
            delta = await next_event(reader)
            assert [item["car_park"] for item in delta["data"]["items"]] == [HERE]
            assert "removed" not in delta["data"]
    async with site.client.get("/v1/live", headers={"Last-Event-ID": last}) as back:
        missed = await next_event(back)
    assert ([item["car_park"] for item in missed["data"]["items"]], missed["data"]["removed"]) == ([HERE], [FAR])
    await retire(database, FAR, retired=False)
    async with site.client.get("/v1/live", headers={"Last-Event-ID": missed["id"]}) as back:
        await registry_looked_at(side)
        returned = await next_event(back)
    assert [item["car_park"] for item in returned["data"]["items"]] == [FAR]
    assert "removed" not in returned["data"]


async def test_who_moves_to_another_district_leaves_the_old_one(database: Database, side: Serving, site: Site) -> None:
    await add_car_park(database, capacity=100)
    await side.board.load()
    side.board.flush()
    async with (
        site.client.get("/v1/live", params={"district": "heping"}) as old,
        site.client.get("/v1/live", params={"district": "shenhe"}) as new,
    ):
        for reader in (old, new):
            await next_event(reader)
        async with database.transaction() as tx:
            await tx.execute("UPDATE registry.car_park SET district = 'shenhe'")
            await tx.execute("UPDATE registry.revision SET value = value + 1")
        await registry_looked_at(side)
        assert (await next_event(old))["data"] == {"items": [], "removed": [HERE]}
        assert [item["car_park"] for item in (await next_event(new))["data"]["items"]] == [HERE]


async def registry_looked_at(side: Serving) -> None:
    """What the loops of the API process do."""
    for loop in side.service.loops:
        if loop.name in ("occupancy registry", "occupancy live"):
            await loop.step()
