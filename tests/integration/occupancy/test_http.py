"""The cards, spaces and history over REST, from a real server on a real database."""

from typing import Any

import prcoords
import pytest

from contracts.facts import Facts
from contracts.ids import CarParkId
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.service import Serving
from tests.conftest import Eventually
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, space_seen, status_seen
from tests.integration.occupancy.conftest import Record, publish

FAR = CarParkId("sy-shenhe-002")


async def get(site: Site, path: str, **query: Any) -> Any:
    async with site.client.get(path, params=query) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def refused(site: Site, path: str, **query: Any) -> dict[str, Any]:
    async with site.client.get(path, params=query) as response:
        assert response.content_type == "application/problem+json"
        problem: dict[str, Any] = await response.json()
        assert problem["status"] == response.status
        return problem


async def test_a_car_park_that_never_reported_is_unknown(database: Database, site: Site) -> None:
    await add_car_park(database, capacity=2, spaces=2, opening_hours="24/7")
    before = await get(site, f"/v1/car-parks/{HERE}")
    assert before["availability"] == {
        "car_park": HERE,
        "state": "unknown",
        "capacity": 2,
        "out_of_service": 0,
        "unknown": 2,
        "never_heard": 2,
        "occupied": None,
        "overfull": False,
        "promised": 0,
        "free": None,
        "as_of": None,
        "age_s": None,
        "stale": False,
        "source": None,
        "trend": None,
        "online": None,
        "version": 0,
    }
    assert (before["name"], before["position"]) == (
        {"zh": "和平一号", "en": "Heping One"},
        {"lat": 41.79, "lon": 123.43},
    )


async def test_a_public_message_is_on_the_card(
    database: Database, record: Record, side: Serving, site: Site, clock: ManualClock
) -> None:
    a, b = await add_car_park(database, capacity=2, spaces=2)
    await side.board.load()
    publish(side, await record(Facts(spaces=[space_seen(a), space_seen(b, "free")])))
    clock.advance(4)
    card = await get(site, f"/v1/car-parks/{HERE}")
    told = card["availability"]
    assert (told["occupied"], told["free"], told["state"], told["age_s"], told["source"]) == (1, 1, "open", 4, "spaces")
    clock.advance(900)
    told = (await get(site, f"/v1/car-parks/{HERE}"))["availability"]
    assert (told["occupied"], told["free"], told["state"], told["stale"]) == (1, 1, "unknown", True)


async def test_cards_are_found_and_sorted(database: Database, record: Record, side: Serving, site: Site) -> None:
    await add_car_park(database, capacity=100)
    await add_car_park(
        database,
        FAR,
        capacity=50,
        district="shenhe",
        position=(41.80, 123.46),
        name=("沈河站", "Shenhe Station"),
        kind="station",
    )
    await record(Facts(counts=[count_seen(90), count_seen(10, capacity=50, car_park=FAR)]))
    await side.board.load()

    async def ids(**query: Any) -> list[str]:
        return [card["id"] for card in (await get(site, "/v1/car-parks", **query))["items"]]

    assert await ids() == [HERE, FAR]
    assert await ids(near="41.80,123.46") == [FAR, HERE]
    assert await ids(near="41.80,123.46", radius_m=500) == [FAR]
    assert await ids(bbox="123.42,41.78,123.44,41.795") == [HERE]
    assert await ids(bbox="41.78,123.42,41.795,123.44") == [HERE]
    assert await ids(district="Shenhe") == [FAR]
    assert await ids(kind="mall") == [HERE]
    assert await ids(q="shenhe station") == [FAR]
    assert await ids(q="和平") == [HERE]
    assert await ids(min_free=20) == [FAR]
    first = await get(site, "/v1/car-parks", near="41.80,123.46", limit=1)
    second = await get(site, "/v1/car-parks", near="41.80,123.46", limit=1, cursor=first["next"])
    assert [card["id"] for card in first["items"] + second["items"]] == [FAR, HERE]
    assert second["next"] is None
    assert first["items"][0]["distance_m"] == 0
    assert second["items"][0]["distance_m"] == pytest.approx(2_725, abs=15)
    for wrong in (
        {"near": "41.8"},
        {"near": "95,123"},
        {"bbox": "1,2,3"},
        {"radius_m": 5},
        {"min_free": -1},
        {"limit": 0},
        {"near": "a,b"},
        {"bbox": "5,1,4,2"},
        {"cursor": "x"},
        {"colour": "red"},
    ):
        problem = await refused(site, "/v1/car-parks", **wrong)
        assert (problem["status"], problem["code"]) == (400, "invalid-parameter"), wrong


async def test_positions_in_gcj02(database: Database, site: Site) -> None:
    await add_car_park(database)
    card = await get(site, f"/v1/car-parks/{HERE}", datum="gcj02")
    there = prcoords.wgs_gcj((41.79, 123.43))
    assert (card["position"]["lat"], card["position"]["lon"]) == pytest.approx(tuple(there), abs=1e-6)
    near = f"{there[0]:.7f},{there[1]:.7f}"
    (found,) = (await get(site, "/v1/car-parks", near=near, datum="gcj02"))["items"]
    assert found["distance_m"] == 0


async def test_who_has_the_cards_is_told_so(database: Database, record: Record, side: Serving, site: Site) -> None:
    await add_car_park(database)
    async with site.client.get("/v1/car-parks") as response:
        etag = response.headers["ETag"]
    async with site.client.get("/v1/car-parks", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    publish(side, await record(Facts(counts=[count_seen(1)])))
    async with site.client.get("/v1/car-parks", headers={"If-None-Match": etag}) as response:
        assert response.status == 200


async def test_spaces_with_their_states(database: Database, record: Record, site: Site) -> None:
    a, _, _ = await add_car_park(database, capacity=3, spaces=3, zones={"B1": 3})
    await record(Facts(spaces=[space_seen(a)]))
    page = await get(site, f"/v1/car-parks/{HERE}/spaces")
    assert page["next"] is None
    assert page["items"][0] == {
        "space": "A-000",
        "zone": "B1",
        "state": "occupied",
        "at": "2026-11-23T00:00:00.000Z",
        "stale": False,
    }
    assert page["items"][1] == {"space": "A-001", "zone": "B1", "state": "unknown", "at": None, "stale": False}
    first = await get(site, f"/v1/car-parks/{HERE}/spaces", limit=2)
    rest = await get(site, f"/v1/car-parks/{HERE}/spaces", limit=2, cursor=first["next"])
    assert [item["space"] for item in first["items"] + rest["items"]] == ["A-000", "A-001", "A-002"]
    assert (await refused(site, "/v1/car-parks/nowhere/spaces"))["code"] == "unknown-car-park"


async def test_a_recording_is_read_back_row_by_row(database: Database, record: Record, site: Site) -> None:
    await add_car_park(database, capacity=100)
    recording = [(61, 0), (64, 1800), (110, 3600), (108, 3600), (7, 900)]
    for occupied, seconds in recording:
        await record(Facts(counts=[count_seen(occupied, seconds)]))
    query = {"from": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}
    page = await get(site, f"/v1/car-parks/{HERE}/history", **query)
    rows = [(row["occupied"], row["at"][11:19], row["free"]) for row in page["items"]]
    assert rows == [
        (61, "00:00:00", 39),
        (7, "00:15:00", 93),
        (64, "00:30:00", 36),
        (110, "01:00:00", 0),
        (108, "01:00:00", 0),
    ]
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        part = await get(site, f"/v1/car-parks/{HERE}/history", **query, **cursor, limit=2)
        paged += part["items"]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert paged == page["items"]


async def test_steps_carry_metrics(database: Database, record: Record, site: Site, clock: ManualClock) -> None:
    await add_car_park(database, capacity=100)
    for occupied, seconds in ((40, 0), (60, 1800), (50, 3600)):
        await record(Facts(counts=[count_seen(occupied, seconds)]))
    clock.advance(7200)
    query = {"from": "2026-11-22T23:00:00Z", "until": "2026-11-23T02:00:00Z", "step": "PT1H"}
    before, first, second = (await get(site, f"/v1/car-parks/{HERE}/history", **query))["items"]
    assert (before["occupied"], before["total_sessions"], before["occupancy_percent"]) == (None, -1, -1)
    assert first == {
        "at": "2026-11-23T00:00:00.000Z",
        "occupied": 50.0,
        "capacity": 100,
        "free": 50.0,
        "total_sessions": 20,
        "turnover": 20.0,
        "average_dwell_time": 150.0,
        "occupancy_percent": 50.0,
        "live_share": 1.0,
    }
    assert (second["occupied"], second["total_sessions"], second["average_dwell_time"]) == (50.0, 0, None)
    days = (await get(site, f"/v1/car-parks/{HERE}/history", **{**query, "step": "P1D"}))["items"]
    assert [day["at"] for day in days] == ["2026-11-22T23:00:00.000Z"]
    assert (days[0]["occupied"], days[0]["total_sessions"], days[0]["live_share"]) == (50.0, 20, 0.667)


@pytest.mark.parametrize("step", ["PT15M", "PT1H", "P1D"])
async def test_steps_lie_in_what_was_asked_for(
    database: Database, record: Record, site: Site, clock: ManualClock, step: str
) -> None:
    await add_car_park(database, capacity=100)
    for minute in range(0, 48 * 60, 30):
        await record(Facts(counts=[count_seen(minute // 60, minute * 60)]))
    clock.advance(48 * 3600)
    query = {"from": "2026-11-23T02:07:00Z", "until": "2026-11-24T20:41:00Z", "step": step}
    steps = (await get(site, f"/v1/car-parks/{HERE}/history", **query))["items"]
    assert steps[0]["at"] == "2026-11-23T02:07:00.000Z"
    on_the_wall = {"PT15M": (":00:", ":15:", ":30:", ":45:"), "PT1H": (":00:",), "P1D": ("T16:00:",)}[step]
    assert all(any(mark in one["at"] for mark in on_the_wall) for one in steps[1:])
    assert steps[-1]["at"] < query["until"]
    assert len(steps) == {"PT15M": 171, "PT1H": 43, "P1D": 3}[step]
    # cars came by one an hour: those within (02:07, 20:41) of the next day, whatever the step
    assert sum(one["total_sessions"] for one in steps) == 42


async def test_steps_while_offline(database: Database, record: Record, site: Site, clock: ManualClock) -> None:
    (a,) = await add_car_park(database, capacity=1, spaces=1)
    await record(Facts(spaces=[space_seen(a)], statuses=[status_seen(True)]))
    await record(Facts(statuses=[status_seen(False, 3600)]))
    await record(Facts(spaces=[space_seen(a, "occupied", 7200)]))
    clock.advance(3 * 3600)
    query = {"from": "2026-11-23T00:00:00Z", "until": "2026-11-23T03:00:00Z", "step": "PT1H"}
    steps = (await get(site, f"/v1/car-parks/{HERE}/history", **query))["items"]
    assert [step["occupancy_percent"] for step in steps] == [100.0, -1, 100.0]


async def test_the_city_in_numbers(database: Database, record: Record, side: Serving, site: Site) -> None:
    await add_car_park(database, capacity=100)
    await add_car_park(database, FAR, capacity=50, district="shenhe")
    await add_car_park(database, CarParkId("never"), capacity=50, district="shenhe")
    await record(Facts(counts=[count_seen(90), count_seen(30, -1000, capacity=50, car_park=FAR)]))
    await side.board.load()
    city = await get(site, "/v1/city")
    assert (city["name"], city["time_zone"]) == ({"zh": "沈阳", "en": "Shenyang"}, "Asia/Shanghai")
    assert (city["car_parks"], city["live"], city["stale"], city["never_heard"]) == (3, 1, 1, 1)
    assert (city["capacity"], city["occupied"], city["free"], city["index"]) == (100, 90, 10, 0.9)
    assert [district["district"] for district in city["districts"]] == ["heping", "shenhe"]
    assert [busy["car_park"] for busy in city["fullest"]] == [HERE]


async def test_what_was_registered_just_now_is_there(database: Database, side: Serving, site: Site) -> None:
    await side.board.load()
    assert (await refused(site, f"/v1/car-parks/{HERE}"))["status"] == 404
    await add_car_park(database)
    assert (await get(site, f"/v1/car-parks/{HERE}"))["id"] == HERE


async def test_the_board_answers_while_the_database_is_away(
    database: Database, record: Record, side: Serving, site: Site, eventually: Eventually
) -> None:
    await add_car_park(database)
    await side.board.load()
    await database.close()
    assert (await get(site, f"/v1/car-parks/{HERE}"))["id"] == HERE
