"""What is somebody else's is not there: whatever operation of the registry, whatever object (OWASP API1)."""

import re
from typing import Any

import pytest

from kernel.operations import Mounted, operations_of
from registry.service import registry_service
from registry.settings import RegistrySettings
from tests.integration.registry.conftest import MIRA, OTTO, Answer, Site, park, profile

SIGN = {"tier": "trunk", "name": "S", "position": {"lat": 41.8, "lon": 123.4}}
THEIRS = {"car_park": "theirs", "zone": "B1", "space": "B1-001", "lane": "E1", "device": "dev-1", "sign": "sign-1"}
NOWHERE = dict.fromkeys(THEIRS, "nowhere") | {"zone": "B1", "space": "B1-001", "lane": "E1", "operator": "nobody"}
BODIES: dict[str, Any] = {
    "/v1/operator/car-parks/{car_park}": park(operator=OTTO),
    "/v1/operator/car-parks/{car_park}/closure": {"closed": True},
    "/v1/operator/devices/{device}": {"profile": "generic", "car_park": "own"},
    "/v1/operator/signs/{sign}": SIGN,
    "/v1/operator/operators/{operator}": {"name": "taken over"},
}
MADE_WHERE_THERE_IS_NOTHING = {path for path in BODIES if path.endswith(("{car_park}", "{device}", "{sign}"))}


def operations() -> list[Mounted]:
    """Every operation of the registry that names an object in its path."""
    service = registry_service(None, RegistrySettings(), profiles=[profile("generic")])  # type: ignore[arg-type]  # described, not called
    mounted = [one for api in service.apis for one in operations_of(api)]
    return [one for one in mounted if "{" in one.operation.path and one.operation.scopes]


async def call(site: Site, one: Mounted, where: dict[str, str]) -> Answer:
    made = one.operation
    path = re.sub(r"{(\w+)[^}]*}", lambda name: where[name[1]], made.path)
    body = None if made.method in ("GET", "DELETE") else BODIES.get(made.path, {})
    headers = {"Idempotency-Key": f"{made.path} {sorted(where.values())}"} if made.idempotent else None
    return await site.ask(made.method, path, who=OTTO, json=body, headers=headers)


def told(answer: Answer, where: dict[str, str]) -> tuple[int, str]:
    """What an answer says, whatever the object was called and the request numbered."""
    text = re.sub(r'"request_id":"[^"]*"', "", answer.raw.decode())
    for name in where.values():
        text = text.replace(f'"{name}"', '"it"')
    return answer.status, text


@pytest.fixture
async def theirs(site: Site) -> dict[str, str]:
    """Where mira's things are; otto has a car park of his own."""
    assert (await site.put("/v1/operator/car-parks/theirs", park())).status == 201
    assert (await site.put("/v1/operator/car-parks/own", park(operator=OTTO))).status == 201
    device = {"profile": "generic", "car_park": "theirs", "space": "B1-001"}
    assert (await site.put("/v1/operator/devices/dev-1", device)).status == 201
    assert (await site.put("/v1/operator/signs/sign-1", SIGN | {"operator": MIRA})).status == 201
    key = site.keys[MIRA].split("_")[2]
    return THEIRS | {"operator": MIRA, "key": key}


async def test_what_is_somebody_elses_is_not_there(site: Site, theirs: dict[str, str]) -> None:
    paths = ("car-parks/theirs", "devices/dev-1", "signs/sign-1", f"operators/{MIRA}", "keys")
    before = [(await site.get(f"/v1/operator/{path}", who=MIRA)).raw for path in paths]
    nowhere = NOWHERE | {"key": "0" * 16}
    asked = operations()
    assert {one.operation.path.split("/")[3] for one in asked} == {"car-parks", "devices", "signs", "operators", "keys"}
    for one in asked:
        foreign = await call(site, one, theirs)
        assert foreign.status == 404, (one.id, foreign.raw)
        if one.operation.method == "PUT" and one.operation.path in MADE_WHERE_THERE_IS_NOTHING:
            continue
        assert told(foreign, theirs) == told(await call(site, one, nowhere), nowhere), one.id
    assert [(await site.get(f"/v1/operator/{path}", who=MIRA)).raw for path in paths] == before
    assert (await site.get("/v1/operator/car-parks/theirs", who=MIRA)).status == 200
