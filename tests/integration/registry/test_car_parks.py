"""Car parks over REST: set up, read back, change, close, retire; what is refused and with which words."""

import pytest

from kernel.db import Database
from tests.integration.registry.conftest import Site, park

PATH = "/v1/operator/car-parks/sy-test"


async def test_a_new_car_park_is_created_and_read_back_in_the_shape_that_may_be_put_back(site: Site) -> None:
    created = await site.put(PATH, park(), who="mira")
    assert created.status == 201, created.raw
    assert created.headers["Location"] == PATH
    read = await site.get(PATH, who="mira")
    assert read.json == created.json
    assert read.json["district"] == "shenhe"
    assert read.json["zones"] == [
        {"zone": "B1", "capacity": 6, "level": -1},
        {"zone": "B2", "capacity": 4, "level": None},
    ]
    again = await site.put(PATH, read.json, who="mira")
    assert again.status == 200, again.raw
    assert again.json == read.json


async def test_the_spellings_of_names_and_labels(site: Site) -> None:
    body = park(
        name="Zhongjie",
        zones=["B1"],
        spaces=["P1", {"label": "P2", "zone": "B1"}],
        lanes=["G1"],
        tariff_summary={"zh": "免费"},
    )
    read = (await site.put(PATH, body)).json
    assert read["name"] == {"zh": "Zhongjie", "en": "Zhongjie"}
    assert read["zones"] == [{"zone": "B1", "capacity": 1, "level": None}]
    assert [space["space"] for space in read["spaces"]] == ["P1", "P2"]
    assert read["lanes"] == [{"lane": "G1", "direction": "both", "zone": None}]
    assert read["tariff_summary"] == {"zh": "免费", "en": "免费"}


async def test_zones_that_nobody_declared_are_made_from_the_spaces(site: Site) -> None:
    body = park(spaces=[{"space": f"A-{number}", "zone": "A"} for number in range(3)])
    del body["zones"]
    read = (await site.put(PATH, body)).json
    assert read["zones"] == [{"zone": "A", "capacity": 3, "level": None}]


async def test_the_smallest_car_park_of_the_contracts(site: Site) -> None:
    smallest = {"operator": "newcomer", "name": "X", "position": {"lat": 41.8, "lon": 123.4}, "capacity": 3}
    created = await site.put("/v1/operator/car-parks/x", smallest)
    assert created.status == 201, created.raw
    assert (await site.get("/v1/operator/operators/newcomer")).json["name"] == {"zh": "newcomer", "en": "newcomer"}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"capcity": 5}, 422, "did you mean capacity?"),
        ({"zones": [{"zone": "B1", "capasity": 5}]}, 422, "did you mean capacity?"),
        ({"spaces": [{"space": "P1", "zone": "B9"}]}, 409, "names the zone B9"),
        ({"spaces": ["P1", "P1"]}, 422, "P1 is given more than once"),
        ({"capacity": 9}, 409, "the zones add up to 10, but the car park has a capacity of 9"),
        ({"zones": ["Z"], "spaces": ["a", "b", "c"], "capacity": 2}, 409, "there are 3 numbered spaces"),
        ({"reservable": 11}, 409, "11 are reservable"),
        ({"opening_hours": "whenever"}, 422, "OSM syntax"),
        ({"time_zone": "Mars/Olympus"}, 422, "IANA time zone"),
        ({"position": {"lat": 5402496.0, "lon": 512788.0}}, 422, "less than or equal to 90"),
        ({"position": {"lat": 0, "lon": 0}}, 422, "never filled in"),
        ({"id": "another"}, 422, "not the id in the path"),
        ({"capacity": "10"}, 422, "whole number"),
        ({"height_cm": 0}, 422, "greater than or equal to 1"),
        ({"name": {}}, 422, "give the name"),
        ({"kind": "Größe"}, 422, "pattern"),
    ],
)
async def test_what_is_refused_says_why(site: Site, change: dict[str, object], status: int, words: str) -> None:
    refused = await site.put(PATH, park(**change))
    assert refused.status == status, refused.raw
    assert words in refused.json["detail"]
    assert (await site.get(PATH)).status == 404


async def test_an_id_that_is_no_slug_is_refused(site: Site) -> None:
    assert (await site.put("/v1/operator/car-parks/Not_A_Slug", park())).status == 400


async def test_what_is_left_out_stays_and_null_takes_away(site: Site) -> None:
    await site.put(PATH, park(height_cm=210, opening_hours="24/7", features=["ev"], reservable=2))
    least = {"name": "N", "position": {"lat": 41.7975, "lon": 123.457}}
    read = (await site.put(PATH, {**least, "height_cm": None})).json
    assert (read["operator"], read["capacity"], read["reservable"]) == ("mira", 10, 2)
    assert (read["height_cm"], read["opening_hours"], read["features"]) == (None, "24/7", ["ev"])
    assert (len(read["zones"]), len(read["spaces"])) == (2, 2)


async def test_a_retired_space_comes_back_with_its_number(site: Site, database: Database) -> None:
    async def numbers() -> dict[str, int]:
        async with database.transaction() as tx:
            rows = await tx.fetch("SELECT label, number FROM registry.space_directory WHERE car_park = 'sy-test'")
            return {row["label"]: row["number"] for row in rows}

    await site.put(PATH, park())
    before = await numbers()
    await site.put(PATH, park(spaces=["B1-001"]))
    assert set(await numbers()) == {"B1-001"}
    await site.put(PATH, park())
    assert await numbers() == before


async def test_repeating_a_put_burns_no_space_numbers(site: Site, database: Database) -> None:
    for _ in range(3):
        await site.put(PATH, park())
    async with database.transaction() as tx:
        last = await tx.fetchval("SELECT last_value FROM registry.space_number_seq")
    assert last == 2


async def test_a_zone_in_use_does_not_go(site: Site) -> None:
    await site.put(PATH, park())
    refused = await site.put(PATH, park(zones=["B2"], spaces=[]) | {"spaces": [{"space": "B1-001", "zone": "B1"}]})
    assert (refused.status, refused.json["code"]) == (409, "undeclared-zone")
    without = park(zones=[{"zone": "B2", "capacity": 4}])
    del without["spaces"]
    refused = await site.put(PATH, without)
    assert (refused.status, refused.json["code"]) == (409, "undeclared-zone")
    moved = await site.put(
        PATH, park(zones=[{"zone": "B2", "capacity": 4}], spaces=[{"space": "B1-001", "zone": "B2"}])
    )
    assert moved.status == 200, moved.raw
    assert [zone["zone"] for zone in moved.json["zones"]] == ["B2"]


async def test_gcj02_goes_in_and_out(site: Site) -> None:
    gcj = {"lat": 41.7997, "lon": 123.4633, "datum": "gcj02"}
    created = (await site.put(PATH, park(position=gcj))).json
    assert created["position"]["lat"] == pytest.approx(41.7997, abs=1e-6)
    wgs = (await site.get(PATH)).json["position"]
    assert "datum" not in wgs
    assert 100 < abs(wgs["lon"] - 123.4633) * 83_000 < 900
    back = (await site.get(f"{PATH}?datum=gcj02")).json["position"]
    assert back["lon"] == pytest.approx(123.4633, abs=1e-6)


async def test_an_operator_sees_and_touches_only_its_own(site: Site) -> None:
    await site.put(PATH, park())
    for method, path, body in [
        ("GET", PATH, None),
        ("PUT", PATH, park(operator="otto")),
        ("DELETE", PATH, None),
        ("PUT", f"{PATH}/closure", {"closed": True}),
        ("GET", f"{PATH}/spaces", None),
        ("PUT", f"{PATH}/zones/B3", {}),
    ]:
        refused = await site.ask(method, path, who="otto", json=body)
        assert (refused.status, refused.json["code"]) == (404, "unknown-car-park"), (method, path, refused.raw)
    assert (await site.put("/v1/operator/car-parks/other", park(), who="otto")).json["code"] == "unknown-operator"
    assert (await site.get("/v1/operator/car-parks", who="otto")).json == {"items": [], "next": None}
    assert (await site.get("/v1/operator/car-parks?operator=mira", who="otto")).status == 404
    assert (await site.get("/v1/operator/audit", who="otto")).json["items"][0]["subject"].startswith("key/")
    assert (await site.get(PATH, who=None)).status == 401


async def test_lists_come_in_pages_by_id(site: Site) -> None:
    for name in ("c", "a", "b"):
        await site.put(f"/v1/operator/car-parks/{name}", park())
    first = (await site.get("/v1/operator/car-parks?limit=2")).json
    assert [item["id"] for item in first["items"]] == ["a", "b"]
    assert first["items"][0]["numbered_spaces"] == 2
    second = (await site.get(f"/v1/operator/car-parks?limit=2&cursor={first['next']}")).json
    assert ([item["id"] for item in second["items"]], second["next"]) == (["c"], None)


async def test_closing_and_opening(site: Site, database: Database) -> None:
    await site.put(PATH, park())
    closed = await site.put(f"{PATH}/closure", {"closed": True, "reason": "flooded"}, who="mira")
    assert (closed.status, closed.json["closed"], closed.json["closed_reason"]) == (200, True, "flooded")
    assert (await site.put(PATH, park())).json["closed"] is True
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT closed FROM registry.car_park_card WHERE id = 'sy-test'")
    opened = await site.put(f"{PATH}/closure", {"closed": False})
    assert (opened.json["closed"], opened.json["closed_reason"]) == (False, None)
    assert (await site.put(f"{PATH}/closure", {"closed": False, "reason": "why"})).status == 422


async def test_a_retired_car_park_vanishes_and_a_put_brings_it_back(site: Site, database: Database) -> None:
    await site.put(PATH, park(closed=True, closed_reason="works"))
    assert (await site.ask("DELETE", PATH)).status == 204
    assert (await site.get(PATH)).status == 404
    assert (await site.ask("DELETE", PATH)).status == 404
    async with database.transaction() as tx:
        for view in ("car_park_card", "zone_directory", "space_directory", "lane_directory"):
            assert await tx.fetchval(f"SELECT count(*) FROM registry.{view}") == 0, view
    assert (await site.put(PATH, park(), who="otto")).status == 404
    back = await site.put(PATH, park())
    assert (back.status, back.json["closed"]) == (201, False)


async def test_every_write_moves_the_revision_and_leaves_an_audit_row(site: Site, database: Database) -> None:
    async def revision() -> int:
        async with database.transaction() as tx:
            value: int = await tx.fetchval("SELECT revision FROM registry.revision_now")
            return value

    seen = await revision()
    writes = [
        ("PUT", PATH, park(), "car_park.create"),
        ("PUT", PATH, park(capacity=12), "car_park.change"),
        ("PUT", f"{PATH}/zones/B3", {"capacity": 1}, "zone.change"),
        ("PUT", f"{PATH}/spaces/S9", {"zone": "B3"}, "space.change"),
        ("PUT", f"{PATH}/lanes/G9", {}, "lane.change"),
        ("DELETE", f"{PATH}/spaces/S9", None, "space.retire"),
        ("DELETE", f"{PATH}/lanes/G9", None, "lane.remove"),
        ("DELETE", f"{PATH}/zones/B3", None, "zone.remove"),
        ("PUT", f"{PATH}/closure", {"closed": True}, "car_park.close"),
        ("DELETE", PATH, None, "car_park.retire"),
    ]
    for method, path, body, action in writes:
        done = await site.ask(method, path, json=body)
        assert done.status < 300, done.raw
        now = await revision()
        assert now > seen, action
        seen = now
        newest = (await site.get("/v1/operator/audit?limit=1&subject=car-park/sy-test")).json["items"][0]
        assert newest["action"] == action
        assert newest["actor"].startswith("operator:")


async def test_a_revision_is_not_seen_before_its_change(site: Site, database: Database) -> None:
    await site.put(PATH, park())
    async with database.transaction() as writer:
        await writer.execute("UPDATE registry.revision SET value = value + 1")
        async with database.transaction() as reader:
            before = await reader.fetchval("SELECT revision FROM registry.revision_now")
    async with database.transaction() as reader:
        assert await reader.fetchval("SELECT revision FROM registry.revision_now") == before + 1
