"""Passes and coupons of vehicles that drive in and out: what the lane is told, what is asked for, what is used."""

from typing import Any

import pytest

from tests.integration.billing.conftest import ANN, CAR, MIRA, OTHER_CAR, PARK, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.stays import agreement
from tests.integration.billing.tariffs import hourly, in_force

CONCESSIONS = [
    {"id": "monthly", "name": {"zh": "月卡", "en": "monthly pass"}, "kind": "pass", "exempt": True},
    {"id": "shop", "name": {"zh": "商户", "en": "shop"}, "kind": "validation", "free_min": 60},
    {"id": "voucher", "name": {"zh": "停车券", "en": "voucher"}, "kind": "coupon", "amount_off": 500},
]


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour."""
    await in_force(site, hourly(3, concessions=CONCESSIONS))
    return Gates(site)


async def issue(site: Site, what: str, **wanted: Any) -> Any:
    answer = await site.post(f"/v1/operator/{what}", {"car_parks": [PARK], **wanted}, who=MIRA)
    assert answer.status == 201, answer.raw
    return answer.json


async def uses(site: Site, what: str, made: Any) -> int:
    told: int = (await site.get(f"/v1/operator/{what}/{made['id']}", who=MIRA)).json["uses"]
    return told


async def test_a_pass_opens_and_whoever_has_none_pays(site: Site, gates: Gates) -> None:
    made = await issue(site, "permits", vehicles=[CAR], concession="monthly", holder="Wang Li")
    await gates.park(200)
    await gates.park(70, OTHER_CAR)
    mine, other = await gates.sessions()
    assert (mine["state"], mine["amount"], mine["at_exit"]["way"]) == ("closed", 0, "permit")
    assert (other["state"], other["amount"], other["at_exit"]["way"]) == ("rated", 600, "pay_at_barrier")
    assert await gates.charges() == [("due", 600)]
    assert await uses(site, "permits", made) == 1


async def test_debts_elsewhere_keep_nobody_from_his_pass(site: Site, gates: Gates) -> None:
    await gates.park(60)
    await issue(site, "permits", vehicles=[CAR], concession="monthly", holder="Wang Li")
    site.clock.advance(3600)
    await gates.park(60)
    assert [row["at_exit"]["way"] for row in await gates.sessions()] == ["pay_at_barrier", "permit"]


async def test_a_shop_takes_an_hour_off_once_however_often_the_car_is_read(site: Site, gates: Gates) -> None:
    made = await issue(site, "coupons", concession="shop", issuer="Joyful Books", vehicle=CAR)
    await gates.park(170)
    site.clock.advance(60)
    await gates.drive("exit")
    (session,) = await gates.sessions()
    assert session["amount"] == 600
    assert [line["kind"] for line in session["fee"]["lines"]][-1] == "minutes"
    assert await gates.charges() == [("due", 600)]
    assert await uses(site, "coupons", made) == 1
    site.clock.advance(7200)
    await gates.park(60)
    assert [row["amount"] for row in await gates.sessions()] == [600, 300], "it was for one stay"


async def test_a_passage_that_comes_late_gives_the_coupon_to_the_stay_that_was(site: Site, gates: Gates) -> None:
    """First it looks as if the car stayed from the first minute; then another visit before it becomes known."""
    async with site.database.transaction() as tx:
        await agreement(tx, driver=ANN)
    made = await issue(site, "coupons", concession="voucher", issuer="Joyful Books")
    await gates.drive("entry")
    (session,) = await gates.sessions()
    put = await site.post(f"/v1/sessions/{session['id']}/coupons", {"code": made["code"]}, who=ANN)
    assert put.status == 200, put.raw
    site.clock.advance(60 * 300)
    await gates.drive("exit")
    (session,) = await gates.sessions()
    assert (session["amount"], await uses(site, "coupons", made)) == (1000, 1)
    await gates.tell(gates.passage("exit", minute=100), gates.passage("entry", minute=200))
    billed = [row for row in await gates.sessions() if row["state"] in ("rated", "closed")]
    assert sum(row["amount"] for row in billed) == 600 + 600 - 500
    assert await uses(site, "coupons", made) == 1
