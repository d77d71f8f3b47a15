"""Keys that report: their scope, and those of one device."""

from typing import Any

from tests.integration.registry.conftest import Site, park
from tests.integration.registry.test_equipment import issue

CAMERA = "/v1/operator/devices/cam-1"


async def camera(site: Site, *, operator: str = "mira", car_park: str = "p1") -> None:
    assert (await site.put(f"/v1/operator/car-parks/{car_park}", park(operator=operator))).status in (200, 201)
    wanted = {"profile": "generic", "car_park": car_park, "settings": {}}
    assert (await site.put(CAMERA, wanted)).status in (200, 201)


async def test_a_key_that_reports_may_do_nothing_else(site: Site) -> None:
    issued = await issue(site, {"scopes": ["ingest"]})
    assert (issued.status, issued.json["scopes"], issued.json["device"]) == (201, ["ingest"], None)
    site.keys["reporter"] = issued.json["key"]
    assert (await site.get("/v1/operator/car-parks", who="reporter")).status == 403
    assert (await issue(site, {}, who="reporter")).status == 403


async def test_reporting_is_nobodys_by_default(site: Site) -> None:
    assert "ingest" not in (await issue(site, {})).json["scopes"]


async def test_a_key_of_a_device_reports_for_its_operator(site: Site) -> None:
    await camera(site)
    issued = await issue(site, {"device": "cam-1", "name": "camera"}, who="city")
    told = {name: issued.json[name] for name in ("operator", "device", "scopes")}
    assert told == {"operator": "mira", "device": "cam-1", "scopes": ["ingest"]}
    listed = (await site.get("/v1/operator/keys", who="mira")).json["items"]
    assert [item["device"] for item in listed if item["name"] == "camera"] == ["cam-1"]
    rotated = await issue(site, {}, key="k2", to=f"/{issued.json['id']}/rotate")
    assert (rotated.json["device"], rotated.json["scopes"]) == ("cam-1", ["ingest"])


async def test_a_key_of_a_device_cannot_be_made_for_more(site: Site) -> None:
    await camera(site)
    cases: list[tuple[dict[str, Any], str, int]] = [
        ({"device": "cam-1", "scopes": ["ingest", "operate"]}, "mira", 422),
        ({"device": "cam-1", "scopes": ["read"]}, "mira", 422),
        ({"device": "cam-1", "operator": "otto"}, "city", 422),
        ({"device": "cam-1"}, "otto", 404),
        ({"device": "cam-9"}, "mira", 404),
        ({"device": "cam-1", "operator": "mira", "scopes": ["ingest"]}, "mira", 201),
    ]
    for number, (wanted, who, status) in enumerate(cases):
        answer = await issue(site, wanted, who=who, key=f"case-{number}")
        assert answer.status == status, (wanted, who, answer.raw)


async def test_a_device_takes_its_keys_along(site: Site) -> None:
    await camera(site)
    issued = (await issue(site, {"device": "cam-1"})).json
    assert (await site.ask("DELETE", CAMERA)).status == 204
    listed = (await site.get("/v1/operator/keys", who="mira")).json["items"]
    assert issued["id"] not in [item["id"] for item in listed]
