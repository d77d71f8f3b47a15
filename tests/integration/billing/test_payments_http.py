"""Payments, refunds and callbacks over REST: each only for whom it concerns."""

from typing import Any

import pytest

from tests.integration.billing.conftest import ANN, BEN, CITY, MIRA, OTTO, Site
from tests.integration.billing.test_charges import charged
from tests.integration.billing.test_payments import Till


@pytest.fixture
def till(site: Site) -> Till:
    return Till(site.database, site.clock)


async def owes(site: Site, *, number: int = 1, **changes: Any) -> str:
    async with site.database.transaction() as tx:
        row = await charged(tx, reservation=f"rsv_{number}", **{"driver": ANN, **changes})
    charge: str = row["id"]
    return charge


async def test_a_driver_pays_with_the_sandbox_from_end_to_end(site: Site, till: Till) -> None:
    charge = await owes(site)
    body = {"charges": [charge], "channel": "sandbox"}
    answer = await site.post("/v1/payments", body, key="k1")
    assert answer.status == 201, answer.raw
    payment = answer.json
    assert (payment["state"], payment["amount"]) == ("created", {"amount": 1200, "currency": "CNY"})
    assert payment["charges"] == [
        {"charge": charge, "amount": {"amount": 1200, "currency": "CNY"}, "paid": {"amount": 0, "currency": "CNY"}}
    ]
    assert payment["action"]["qr_svg"].startswith("<svg")
    again = await site.post("/v1/payments", body, key="k1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (payment, "true")

    await till.carry.handle(payment["id"].encode())
    page = payment["action"]["url"].removeprefix("http://127.0.0.1")
    shown = await site.get(page, who=None)
    assert shown.status == 200
    assert "12.00" in shown.raw.decode()
    assert (await site.ask("POST", page, who=None)).status == 200
    assert (await site.ask("POST", page, who=None)).status == 200  # pressed twice, paid once
    for headers, told in await till.sandbox.notifications(10):
        heard = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=headers, data=told)
        assert (heard.status, heard.json) == (200, {"taken": True})
    seen = (await site.get(f"/v1/payments/{payment['id']}")).json
    assert (seen["state"], seen["action"], seen["charges"][0]["paid"]["amount"]) == ("succeeded", None, 1200)
    assert (await till.charge(charge))["state"] == "paid"
    refused = await site.post("/v1/payments", body)
    assert (refused.status, refused.json["code"]) == (409, "not-payable")
    assert [item["id"] for item in (await site.get("/v1/payments")).json["items"]] == [payment["id"]]


async def test_what_is_anothers_is_not_there(site: Site) -> None:
    charge = await owes(site)
    refused = await site.post("/v1/payments", {"charges": [charge]}, who=BEN)
    assert (refused.status, refused.json["code"]) == (404, "unknown-charge")
    vehicle = {"plate": "辽a·12345", "color": "blue"}
    named = await site.post("/v1/payments", {"charges": [charge], "vehicle": vehicle}, who=BEN)
    assert named.status == 201
    payment = named.json["id"]
    assert (await site.get(f"/v1/payments/{payment}", who=ANN)).status == 404
    assert (await site.get(f"/v1/payments/{payment}", who=OTTO)).status == 404
    assert (await site.get(f"/v1/payments/{payment}", who=MIRA)).status == 200
    assert (await site.get(f"/v1/payments/{payment}", who=BEN)).status == 200


async def test_a_channel_that_is_not_there_is_told_with_those_that_are(site: Site) -> None:
    charge = await owes(site)
    refused = await site.post("/v1/payments", {"charges": [charge], "channel": "wechat"})
    assert (refused.json["code"], refused.json["channels"]) == ("unknown-channel", ["sandbox"])
    shown = await site.get("/v1/payment-channels", who=None)
    assert shown.json == {"items": [{"id": "sandbox", "default": True}]}


async def test_operators_give_back_and_drivers_see_it(site: Site, till: Till) -> None:
    charge = await owes(site)
    body = {"charge": charge, "amount": {"amount": 500, "currency": "CNY"}, "reason": "电梯坏了"}
    early = await site.post("/v1/refunds", body, who=MIRA)
    assert (early.status, early.json["code"], early.json["refundable"]) == (409, "nothing-to-refund", 0)
    payment = await till.pay(charge)
    await till.carry.handle(payment["id"].encode())
    assert await till.press(payment)
    await till.settle()
    assert (await site.post("/v1/refunds", body, who=OTTO)).status == 404
    assert (await site.post("/v1/refunds", body, who=ANN)).status == 403
    begun = await site.post("/v1/refunds", body, who=MIRA)
    assert (begun.status, begun.json["state"]) == (201, "created")
    for amount in (701, 0):
        more = await site.post("/v1/refunds", {**body, "amount": {"amount": amount}}, who=MIRA)
        assert (more.status, more.json["code"]) == (409, "nothing-to-refund"), amount
    await till.settle()
    for who in (ANN, MIRA, CITY):
        seen = await site.get(f"/v1/refunds/{begun.json['id']}", who=who)
        assert (seen.status, seen.json["state"]) == (200, "succeeded"), who
        listed = await site.get("/v1/refunds", who=who)
        assert [item["id"] for item in listed.json["items"]] == [begun.json["id"]]
    assert (await site.get(f"/v1/refunds/{begun.json['id']}", who=BEN)).status == 404
    assert (await site.get("/v1/refunds", who=OTTO)).json["items"] == []
    audits = await site.rows("SELECT action FROM registry.audit WHERE action = 'refund.start'")
    assert len(audits) == 1


async def test_bytes_that_nobody_signed_change_nothing(site: Site, till: Till) -> None:
    charge = await owes(site)
    payment = await till.pay(charge)
    await till.carry.handle(payment["id"].encode())
    assert await till.press(payment)
    ((headers, told),) = await till.sandbox.notifications(1)
    for wrong, said in (
        ({}, told),
        (headers, told.replace(b"1200", b"1201")),
        (headers | {"X-Sandbox-Time": "1"}, told),
        (headers, b""),
        (headers, b"\xff\x00"),
    ):
        heard = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=wrong, data=said)
        assert (heard.status, heard.json) == (401, {"taken": False})
    nobody = await site.ask("POST", "/v1/callbacks/wechat", who=None, headers=headers, data=told)
    assert (nobody.status, nobody.json["code"]) == (404, "no-such-channel")
    site.clock.advance(301)
    late = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=headers, data=told)
    assert late.status == 401
    assert await site.rows("SELECT FROM billing.callback") == []
    assert (await till.charge(charge))["state"] == "due"


async def test_what_a_channel_cannot_have_meant_is_set_aside_for_operators(site: Site, till: Till) -> None:
    charge = await owes(site)
    payment = await till.pay(charge)
    await till.carry.handle(payment["id"].encode())
    assert await till.press(payment)
    wrong = {"amount": 1201, "plate": {"number": "辽B00000", "color": "blue"}, "out_trade_no": "0" * 32}
    for name, value in wrong.items():
        headers, body = till.forged(payment, **{name: value})
        heard = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=headers, data=body)
        assert heard.status == 200  # it need not be told again
        again = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=headers, data=body)
        assert again.status == 200
    assert (await till.charge(charge))["state"] == "due"
    everything = (await site.get("/v1/operator/callbacks", who=CITY)).json["items"]
    assert sorted(item["reason"] for item in everything) == [
        "it names a number that we never gave",
        "it tells 1201 fen of a payment of 1200",
        "it tells of another vehicle",
    ]
    hers = (await site.get("/v1/operator/callbacks", who=MIRA)).json["items"]
    assert len(hers) == 2
    assert (await site.get("/v1/operator/callbacks", who=OTTO)).json["items"] == []
    one = await site.get("/v1/operator/callbacks?limit=1", who=MIRA)
    other = await site.get(f"/v1/operator/callbacks?limit=1&cursor={one.json['next']}", who=MIRA)
    assert [one.json["items"][0]["id"], other.json["items"][0]["id"]] == [item["id"] for item in hers]

    address = f"/v1/operator/callbacks/sandbox/{hers[0]['id']}/resolve"
    answer = {"answer": "the sandbox was in a mood"}
    assert (await site.post(address, answer, who=OTTO)).status == 404
    resolved = await site.post(address, answer, who=MIRA)
    assert (resolved.status, resolved.json["outcome"]) == (200, "resolved")
    assert (await site.post(address, answer, who=MIRA)).json["code"] == "wrong-state"
    await till.settle()  # the channel was asked again
    assert (await till.charge(charge))["state"] == "paid"


async def test_operators_see_what_is_under_way_and_have_it_asked_for(site: Site, till: Till) -> None:
    charge = await owes(site)
    payment = await till.pay(charge)
    address = f"/v1/operator/payments/{payment['id']}/ask"
    assert (await site.post(address, who=OTTO)).status == 404
    assert (await site.post(address, who=MIRA)).json["state"] == "created"
    assert await till.poll() == 1
    assert await till.press(payment)
    for who, number in ((MIRA, 1), (CITY, 1), (OTTO, 0)):
        listed = await site.get(f"/v1/operator/payments?state=sent&charge={charge}", who=who)
        assert len(listed.json["items"]) == number, who
    assert (await site.get("/v1/operator/payments?state=failed", who=MIRA)).json["items"] == []
    assert (await site.get("/v1/operator/payments", who=ANN)).status == 403
    await site.post(address, who=MIRA)
    await till.poll()
    assert (await till.charge(charge))["state"] == "paid"


async def test_whoever_stands_at_the_barrier_pays_without_an_account(site: Site, till: Till) -> None:
    charge = await owes(site)
    shown = await site.get(f"/pay/{charge}", who=None)
    assert shown.status == 200
    text = shown.raw.decode()
    assert "12.00" in text
    assert "辽A12345" not in text
    waiting = await site.ask("POST", f"/pay/{charge}/sandbox", who=None)
    assert "<svg" in waiting.raw.decode()
    (payment,) = await site.rows("SELECT * FROM billing.payment")
    await till.carry.handle(payment["id"].encode())
    assert await till.press(payment)
    await till.settle()
    assert "Paid" in (await site.get(f"/pay/{charge}/sandbox", who=None)).raw.decode()
    assert "Nothing is owed" in (await site.get(f"/pay/{charge}", who=None)).raw.decode()
    assert (await site.get("/pay/chg_" + "0" * 32, who=None)).status == 404
    again = await site.ask("POST", f"/pay/{charge}/sandbox", who=None)
    assert (again.status, again.headers["Content-Type"]) == (409, "text/html; charset=utf-8")
