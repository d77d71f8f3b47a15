"""What operators may order, and see: their own car parks only, with a reason, not too often, and on record."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.gateway.conftest import register
from tests.integration.gateway.site import Answer, Site, running_site

BARRIER = {"kind": "open_barrier", "lane": "E1", "reason": "ticket lost"}


class Operator:
    """An operator's key, spoken with."""

    def __init__(self, site: Site, key: str) -> None:
        self._site = site
        self._key = key
        self._keys = 0

    async def order(self, body: dict[str, Any], *, car_park: str = "mall-1", idempotency: str | None = None) -> Answer:
        self._keys += 1
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency or f"order-{self._keys}",
        }
        address = f"/v1/operator/car-parks/{car_park}/orders"
        return await self._site.send("POST", address, orjson.dumps(body), headers=headers)

    async def get(self, address: str) -> Answer:
        return await self._site.send("GET", address, headers={"Authorization": f"Bearer {self._key}"})


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> AsyncIterator[Site]:
    await register(database)
    await register(database, "mall-2", operator="other")
    async with running_site(database, clock=clock) as running:
        yield running


@pytest.fixture
async def operator(site: Site) -> Operator:
    return Operator(site, await site.issue("op", ("read", "operate")))


@pytest.fixture
async def everybody(site: Site) -> Operator:
    """The key of every operator."""
    return Operator(site, await site.issue(None, ("read", "operate")))


async def test_an_order_is_given_read_and_listed(operator: Operator, database: Database) -> None:
    given = await operator.order(BARRIER)
    assert given.status == 201, given.raw
    order = given.json
    assert (order["kind"], order["lane"], order["state"]) == ("open_barrier", "E1", "pending")
    assert order["given_at"] == "2026-11-23T00:00:00.000Z"
    assert order["expires_at"] == "2026-11-23T00:00:10.000Z"
    assert order["actor"].startswith("operator:")
    assert (await operator.get(f"/v1/operator/orders/{order['id']}")).json == order
    assert (await operator.get("/v1/operator/orders")).json == {"items": [order], "next": None}
    async with database.transaction(readonly=True) as tx:
        row = await tx.fetchrow("SELECT * FROM registry.audit WHERE action = 'order.give'")
    assert row is not None
    assert (row["actor"], row["operator"], row["subject"]) == (order["actor"], "op", "car-park/mall-1")
    assert row["detail"] == {"order": order["id"], **BARRIER}


async def test_the_same_key_gives_the_same_order(operator: Operator) -> None:
    first = await operator.order(BARRIER, idempotency="a")
    again = await operator.order(BARRIER, idempotency="a")
    assert (again.status, again.json) == (201, first.json)
    assert (await operator.order(BARRIER | {"reason": "x"}, idempotency="a")).status == 422
    assert len((await operator.get("/v1/operator/orders")).json["items"]) == 1


async def test_past_its_deadline_it_reads_as_expired_before_any_sweep(operator: Operator, clock: ManualClock) -> None:
    order = (await operator.order(BARRIER)).json
    assert (await operator.get("/v1/operator/orders?state=pending")).json["items"] == [order]
    clock.advance(10.5)
    read = (await operator.get(f"/v1/operator/orders/{order['id']}")).json
    assert (read["state"], read["closed_at"]) == ("expired", order["expires_at"])
    assert (await operator.get("/v1/operator/orders?state=expired")).json["items"] == [read]
    assert (await operator.get("/v1/operator/orders?state=pending")).json["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "open_barrier", "lane": "E1"}, 422, "malformed-body"),
        ({"kind": "open_barrier", "lane": "E1", "reason": " "}, 422, "malformed-body"),
        ({"kind": "open_barrier", "reason": "x"}, 422, "malformed-body"),
        ({"kind": "open_barrier", "lane": "E1", "space": "B1-1", "reason": "x"}, 422, "malformed-body"),
        ({"kind": "explode", "lane": "E1", "reason": "x"}, 422, "malformed-body"),
        ({"kind": "show_text", "lane": "E1", "reason": "x"}, 422, "malformed-body"),
        ({"kind": "show_text", "lane": "E1", "text": "满" * 65, "reason": "x"}, 422, "malformed-body"),
        ({"kind": "raise_lock", "reason": "x"}, 422, "malformed-body"),
        ({"kind": "open_barrier", "lane": "E1", "reason": "x", "ttl_s": 0}, 422, "malformed-body"),
        ({"kind": "open_barrier", "lane": "X9", "reason": "x"}, 404, "unknown-lane"),
        ({"kind": "raise_lock", "space": "Z-1", "reason": "x"}, 404, "unknown-space"),
        ({"kind": "show_text", "sign": "s-1", "text": "满", "reason": "x"}, 404, "unknown-sign"),
    ],
)
async def test_what_is_wrong_is_said(operator: Operator, body: dict[str, Any], status: int, code: str) -> None:
    answer = await operator.order(body)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_the_field_that_is_missing_is_named(operator: Operator) -> None:
    answer = await operator.order({"kind": "raise_lock", "reason": "x"})
    assert [error["field"] for error in answer.json["errors"]] == ["space"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "refuse_entry", "lane": "E1", "reason": "full"},
        {"kind": "raise_lock", "space": "B1-1", "reason": "reserved"},
        {"kind": "lower_lock", "space": "B1-1", "reason": "arrived"},
        {"kind": "show_text", "lane": "E1", "text": "欢迎", "reason": "greeting"},
        {"kind": "resend_snapshot", "reason": "gap"},
    ],
)
async def test_every_kind_can_be_given(operator: Operator, body: dict[str, Any]) -> None:
    answer = await operator.order(body)
    assert answer.status == 201, answer.raw
    assert {name: answer.json[name] for name in body} == body


async def test_nothing_of_another_operator_exists(operator: Operator, everybody: Operator) -> None:
    order = (await everybody.order(BARRIER, car_park="mall-2")).json
    assert (await operator.order(BARRIER, car_park="mall-2")).status == 404
    assert (await operator.order(BARRIER, car_park="mall-9")).status == 404
    assert (await operator.get(f"/v1/operator/orders/{order['id']}")).status == 404
    assert (await operator.get("/v1/operator/orders")).json["items"] == []
    assert (await operator.get("/v1/operator/orders?car_park=mall-2")).json["items"] == []
    assert (await everybody.get("/v1/operator/orders?car_park=mall-2")).json["items"] == [order]


async def test_a_key_without_the_scope_opens_nothing(site: Site) -> None:
    assert (await Operator(site, await site.issue("op", ("read",))).order(BARRIER)).status == 403
    assert (await Operator(site, "bk_live_nobody").order(BARRIER)).status == 401


async def test_a_lane_is_not_opened_more_often_than_cars_pass(operator: Operator, clock: ManualClock) -> None:
    statuses = [(await operator.order(BARRIER)).status for _ in range(31)]
    assert statuses == [201] * 30 + [429]
    assert (await operator.order({"kind": "resend_snapshot", "reason": "gap"})).status == 201
    clock.advance(2)
    assert (await operator.order(BARRIER)).status == 201


async def test_pages_follow_one_another(operator: Operator, clock: ManualClock) -> None:
    given = []
    for _ in range(5):
        clock.advance(1)
        given.append((await operator.order(BARRIER)).json["id"])
    first = (await operator.get("/v1/operator/orders?limit=2")).json
    second = (await operator.get(f"/v1/operator/orders?limit=2&cursor={first['next']}")).json
    third = (await operator.get(f"/v1/operator/orders?limit=2&cursor={second['next']}")).json
    assert third["next"] is None
    assert [item["id"] for page in (first, second, third) for item in page["items"]] == given[::-1]
