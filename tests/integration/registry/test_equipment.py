"""Devices, signs, operators, keys, districts and the inventory over REST."""

from typing import Any

import orjson
import pytest

from kernel.clock import ManualClock
from kernel.db import Database
from registry.city_generator import generate_city
from registry.districts import load_districts
from registry.seed import is_registry_empty, seed_city
from tests.integration.registry.conftest import Site, park

PARK = "/v1/operator/car-parks/sy-test"
DEVICE = "/v1/operator/devices/A81758FFFE0304D1"
SIGN = "/v1/operator/signs/north-1"


def device(**changes: Any) -> dict[str, Any]:
    return {"profile": "pni-placepod", "car_park": "sy-test", "space": "B1-001", **changes}


async def test_a_device_is_set_up_read_moved_and_removed(site: Site, database: Database) -> None:
    await site.put(PARK, park())
    created = await site.put(DEVICE, device(settings={"offset_cm": 3}), who="mira")
    assert (created.status, created.json["operator"], created.json["settings"]) == (201, "mira", {"offset_cm": 3})
    assert (await site.put(DEVICE, created.json, who="mira")).status == 200
    moved = await site.put(DEVICE, {"profile": "generic", "car_park": "sy-test", "zone": "B2"})
    assert (moved.json["space"], moved.json["zone"], moved.json["settings"]) == (None, "B2", {})
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT zone FROM registry.device_directory") == "B2"
    without_zone = park(zones=[{"zone": "B1", "capacity": 6}])
    assert (await site.put(PARK, without_zone)).json["code"] == "zone-in-use"
    assert (await site.ask("DELETE", f"{PARK}/zones/B2")).json["code"] == "zone-in-use"
    assert (await site.ask("DELETE", DEVICE, who="mira")).status == 204
    assert (await site.get(DEVICE)).status == 404


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"profile": "pni-placepot"}, 409, "unknown-profile", "did you mean pni-placepod?"),
        ({"car_park": "nowhere"}, 404, "unknown-car-park", ""),
        ({"space": "B1-999"}, 404, "unknown-space", "B1-999"),
        ({"space": None, "zone": "B9"}, 404, "unknown-zone", ""),
        ({"zone": "B1"}, 422, "malformed-body", "not both"),
        ({"setings": {}}, 422, "malformed-body", "did you mean settings?"),
        ({"settings": {"x": "y" * 9000}}, 422, "malformed-body", "8192 bytes"),
        ({"settings": {"offset_mm": 3}}, 422, "malformed-body", "settings.offset_mm: is not known here: did you mean"),
        ({"settings": {"offset_cm": -1}}, 422, "malformed-body", "settings.offset_cm"),
        ({"settings": {"lane": "E9"}}, 404, "unknown-lane", "E9"),
        (
            {"settings": {"lane": "E1", "direction": "exit"}},
            422,
            "malformed-body",
            "settings.lane: lane E1 is an entry",
        ),
        ({"operator": "otto"}, 422, "malformed-body", "run by mira"),
    ],
)
async def test_a_device_that_cannot_be(site: Site, change: dict[str, Any], status: int, code: str, words: str) -> None:
    await site.put(PARK, park())
    refused = await site.put(DEVICE, device(**change))
    assert (refused.status, refused.json["code"]) == (status, code), refused.raw
    assert words in refused.json["detail"]


async def test_a_device_in_a_lane(site: Site) -> None:
    await site.put(PARK, park())
    for settings in ({"lane": "E1"}, {"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}):
        taken = await site.put(DEVICE, device(settings=settings))
        assert taken.status in (200, 201), taken.raw
    await site.put(PARK, park(lanes=[{"lane": "B1", "direction": "both"}]))
    assert (await site.put(DEVICE, device(settings={"lane": "B1", "direction": "exit"}))).status == 200
    await site.put(PARK, park(lanes=[]))
    assert (await site.put(DEVICE, device(settings={"lane": "any", "direction": "exit"}))).status == 200


async def test_two_devices_may_watch_one_space(site: Site) -> None:
    """While one replaces the other, or because each sees what the other does not."""
    await site.put(PARK, park())
    for name in ("old", "new"):
        assert (await site.put(f"/v1/operator/devices/{name}", device())).status == 201


async def test_two_devices_cannot_be_heard_under_one_id(site: Site) -> None:
    await site.put(PARK, park())
    assert (await site.put(DEVICE, device())).status == 201
    for spelling in ("a81758fffe0304d1", "A8:17:58:FF:FE:03:04:D1"):
        taken = await site.put(f"/v1/operator/devices/{spelling}", device(space="B1-002"))
        assert (taken.status, taken.json["code"]) == (409, "device-taken"), taken.raw
    assert (await site.put(DEVICE, device(space="B1-002"))).status == 200


async def test_the_profiles_are_listed_with_what_may_be_set(site: Site) -> None:
    listed = (await site.get("/v1/operator/device-profiles", who="mira")).json
    assert [item["name"] for item in listed["items"]] == ["generic", "pni-placepod"]
    placepod = listed["items"][1]
    assert (placepod["codec"], placepod["aliases"], placepod["ports"]) == ("pni-placepod-1", ["placepod"], [1])
    assert placepod["settings_schema"]["properties"]["offset_cm"]["minimum"] == 0
    assert placepod["example"] == {"hex": "01", "port": 1, "says": "occupied"}
    first = (await site.get("/v1/operator/device-profiles?limit=1")).json
    assert [item["name"] for item in first["items"]] == ["generic"]
    rest = (await site.get(f"/v1/operator/device-profiles?limit=1&cursor={first['next']}")).json
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["pni-placepod"], None)


async def test_a_device_of_somebody_else_does_not_exist(site: Site) -> None:
    await site.put(PARK, park())
    await site.put(DEVICE, device())
    await site.put("/v1/operator/car-parks/of-otto", park(operator="otto"))
    for method, body in (("GET", None), ("DELETE", None), ("PUT", device(car_park="of-otto"))):
        refused = await site.ask(method, DEVICE, who="otto", json=body)
        assert (refused.status, refused.json["code"]) == (404, "unknown-device")
    assert (await site.put("/v1/operator/devices/other", device(), who="otto")).json["code"] == "unknown-car-park"
    assert (await site.get("/v1/operator/devices", who="otto")).json["items"] == []
    assert len((await site.get("/v1/operator/devices?car_park=sy-test", who="mira")).json["items"]) == 1


async def test_devices_follow_their_car_park_to_another_operator(site: Site) -> None:
    await site.put(PARK, park())
    await site.put(DEVICE, device())
    await site.put(PARK, park(operator="otto"))
    assert (await site.get(DEVICE, who="otto")).json["operator"] == "otto"
    assert (await site.get(DEVICE, who="mira")).status == 404


async def test_signs(site: Site) -> None:
    await site.put(PARK, park())
    body = {
        "tier": "junction",
        "name": "North 1",
        "position": {"lat": 41.8, "lon": 123.45},
        "heading": 90,
        "car_parks": ["sy-test"],
    }
    created = await site.put(SIGN, body, who="mira")
    assert (created.status, created.json["operator"]) == (201, "mira"), created.raw
    assert (await site.put(SIGN, created.json, who="mira")).status == 200
    assert (await site.put(SIGN, {**body, "car_parks": ["gone"]}, who="mira")).json["code"] == "unknown-car-park"
    assert (await site.put(SIGN, {**body, "tier": "roof"}, who="mira")).status == 422
    assert (await site.put(SIGN, {**body, "operator": "otto"}, who="otto")).json["code"] == "unknown-sign"
    assert [item["id"] for item in (await site.get("/v1/operator/signs")).json["items"]] == ["north-1"]
    assert (await site.ask("DELETE", SIGN, who="otto")).status == 404
    assert (await site.ask("DELETE", SIGN, who="mira")).status == 204


async def test_operators(site: Site) -> None:
    path = "/v1/operator/operators/nova"
    assert (await site.put(path, {}, who="mira")).json["code"] == "unknown-operator"
    assert (await site.put(path, {"name": {"zh": "新星", "en": "Nova"}})).status == 201
    assert (await site.put("/v1/operator/operators/mira", {"name": "Mira"}, who="mira")).json["name"]["zh"] == "Mira"
    assert [item["id"] for item in (await site.get("/v1/operator/operators", who="mira")).json["items"]] == ["mira"]
    assert (await site.get(path, who="mira")).status == 404
    assert (await site.get(path)).json["name"] == {"zh": "新星", "en": "Nova"}


async def issue(site: Site, body: dict[str, Any], *, who: str = "mira", key: str = "k1", to: str = "") -> Any:
    return await site.ask("POST", f"/v1/operator/keys{to}", who=who, json=body, headers={"Idempotency-Key": key})


async def test_a_key_is_shown_once_works_and_is_revoked(site: Site, clock: ManualClock) -> None:
    issued = await issue(site, {"name": "barrier"})
    assert (issued.status, issued.json["operator"], issued.json["scopes"]) == (201, "mira", ["operate", "read"])
    assert (await issue(site, {"name": "barrier"})).json == issued.json
    site.keys["new"] = issued.json["key"]
    assert (await site.get("/v1/operator/car-parks", who="new")).status == 200
    listed = (await site.get("/v1/operator/keys", who="mira")).json["items"]
    assert {item["name"] for item in listed} == {"test", "barrier"}
    assert all("key" not in item and "secret" not in str(item) for item in listed)
    path = f"/v1/operator/keys/{issued.json['id']}"
    assert (await site.ask("DELETE", path, who="otto")).status == 404
    assert (await site.ask("DELETE", path, who="mira")).status == 204
    clock.advance(5)
    assert (await site.get("/v1/operator/car-parks", who="new")).status == 401


async def test_rotating_leaves_both_keys_working_for_the_overlap(site: Site, clock: ManualClock) -> None:
    old = (await issue(site, {})).json
    new = (await issue(site, {"overlap_s": 60}, key="k2", to=f"/{old['id']}/rotate")).json
    site.keys.update(old=old["key"], new=new["key"])
    for who in ("old", "new"):
        assert (await site.get("/v1/operator/car-parks", who=who)).status == 200, who
    clock.advance(61)
    assert (await site.get("/v1/operator/car-parks", who="old")).status == 401
    assert (await site.get("/v1/operator/car-parks", who="new")).status == 200


async def test_what_keys_may_not_do(site: Site, clock: ManualClock) -> None:
    assert (await issue(site, {"operator": "otto"})).json["code"] == "unknown-operator"
    assert (await issue(site, {"operator": "nobody"}, who="city")).json["code"] == "unknown-operator"
    assert (await issue(site, {"expires_at": "2020-01-01T00:00:00Z"})).status == 422
    assert (await issue(site, {"scopes": ["rule"]})).status == 422
    reader = (await issue(site, {"scopes": ["read"], "expires_at": "2026-11-23T01:00:00Z"})).json
    assert "key" in reader, reader
    site.keys["reader"] = reader["key"]
    assert (await site.get("/v1/operator/car-parks", who="reader")).status == 403
    clock.advance(3601)
    assert (await site.get("/v1/operator/car-parks", who="reader")).status == 401


async def test_a_weaker_key_cannot_make_a_stronger_one(site: Site) -> None:
    assert (await issue(site, {"operator": None})).json["operator"] == "mira"
    city = (await issue(site, {}, who="city")).json
    assert city["operator"] is None
    refused = await issue(site, {}, key="k3", to=f"/{city['id']}/rotate")
    assert (refused.status, refused.json["code"]) == (404, "unknown-key")


async def test_districts_are_served_with_a_validator(site: Site) -> None:
    answer = await site.get("/v1/districts", who=None)
    assert (answer.status, len(answer.json["features"])) == (200, 13)
    assert answer.headers["Content-Type"] == "application/geo+json"
    again = await site.get("/v1/districts", who=None, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")


async def test_a_seeded_city_is_streamed_as_lines(site: Site, database: Database) -> None:
    city = generate_city(7, 40, load_districts())
    async with database.transaction() as tx:
        assert await is_registry_empty(tx)
        await seed_city(tx, city)
    async with database.transaction() as tx:
        assert not await is_registry_empty(tx)
    lines = [orjson.loads(line) for line in (await site.get("/v1/operator/inventory")).raw.splitlines()]
    assert [line["id"] for line in lines] == sorted(plan.car_park.id for plan in city.plans)
    plans = {plan.car_park.id: plan for plan in city.plans}
    for line in lines:
        plan = plans[line["id"]]
        assert line["measured_by"] == plan.car_park.measured_by
        assert {zone["zone"]: zone["capacity"] for zone in line["zones"]} == {z.label: z.capacity for z in plan.zones}
        labels = [label for zone in line["spaces"].values() for label in zone]
        assert sorted(labels) == sorted(space.label for space in plan.spaces)
        assert len(line["lanes"]) == len(plan.lanes)
    assert (await site.get("/v1/operator/inventory", who="mira")).raw == b""
    one = (await site.get(f"/v1/operator/car-parks/{lines[0]['id']}")).json
    assert (await site.put(f"/v1/operator/car-parks/{lines[0]['id']}", one)).json["spaces"] == one["spaces"]


async def test_parts_one_at_a_time(site: Site) -> None:
    await site.put(PARK, park(capacity=11))
    assert (await site.put(f"{PARK}/zones/B3", {"capacity": 1, "level": -3})).status == 201
    assert (await site.put(f"{PARK}/zones/B3", {"level": -4})).json == {"zone": "B3", "capacity": 1, "level": -4}
    assert (await site.put(f"{PARK}/zones/B4", {"capacity": 1})).json["code"] == "capacity-exceeded"
    assert (await site.put(f"{PARK}/spaces/S1", {"zone": "B3", "features": ["ev"]})).status == 201
    assert (await site.put(f"{PARK}/spaces/S2", {"zone": "B3"})).json["code"] == "capacity-exceeded"
    assert (await site.put(f"{PARK}/spaces/S2", {"zone": "B9"})).json["code"] == "undeclared-zone"
    assert (await site.ask("DELETE", f"{PARK}/zones/B3")).json["code"] == "zone-in-use"
    assert (await site.ask("DELETE", f"{PARK}/spaces/S1")).status == 204
    assert (await site.ask("DELETE", f"{PARK}/spaces/S1")).json["code"] == "unknown-space"
    assert (await site.ask("DELETE", f"{PARK}/zones/B3")).status == 204
    assert (await site.ask("DELETE", f"{PARK}/zones/B3")).json["code"] == "unknown-zone"
    assert (await site.put(f"{PARK}/lanes/X1", {"direction": "both", "zone": "B2"})).status == 200
    assert (await site.ask("DELETE", f"{PARK}/zones/B2")).json["code"] == "zone-in-use"
    assert (await site.ask("DELETE", f"{PARK}/lanes/Y1")).json["code"] == "unknown-lane"
    page = (await site.get(f"{PARK}/spaces?limit=1")).json
    assert page["items"][0]["space"] == "B1-001"
    rest = (await site.get(f"{PARK}/spaces?limit=1&cursor={page['next']}")).json
    assert (rest["items"][0]["space"], rest["next"]) == ("B1-002", None)
    assert len((await site.get(f"{PARK}/zones")).json["items"]) == 2
    assert len((await site.get(f"{PARK}/lanes")).json["items"]) == 2


async def test_the_answer_that_shows_a_key_is_not_kept_in_plain(site: Site, database: Database) -> None:
    issued = await issue(site, {"name": "gate"}, key="k-sealed")
    async with database.transaction() as tx:
        kept = await tx.fetch("SELECT key, answer FROM kernel.idempotency")
    assert kept
    assert all(issued.json["key"].encode() not in row["answer"] and row["key"] != "k-sealed" for row in kept)
    assert (await issue(site, {"name": "gate"}, key="k-sealed")).json == issued.json
