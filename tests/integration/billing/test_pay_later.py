"""Agreements, charges, arrears and objections over REST: whose they are, what is told, what becomes of them."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from billing.channels.offered import Channels
from billing.channels.protocol import PaymentChannel, Plate, PlateState
from billing.charges import accept_charge, pay_charge, refuse_charge
from billing.confirm_agreement import ConfirmAgreement
from billing.sql import charges
from billing.sql.standing import standing
from gateway.give_order import give_order
from kernel.db import Row
from tests.integration.billing.conftest import CAR, CITY, MIRA, OTHER_CAR, OTTO, PARK, Answer, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.stays import agreement, owed, stay

ARREARS = "/v1/arrears"
MINE = {"plate": CAR["plate"], "color": CAR["color"]}


async def agreed(site: Site, *, who: str = "ann", vehicle: Any = CAR) -> Answer:
    return await site.post("/v1/agreements", {"vehicle": vehicle, "channel": "sandbox"}, who=who)


async def unpaid(site: Site, amount: int = 500, *, driver: str | None = "ann", **of_stay: Any) -> Row:
    """A charge for a stay that has just ended."""
    async with site.database.transaction() as tx:
        return await owed(tx, await stay(tx, **of_stay), amount, driver=driver)


async def paid(site: Site, charge: str) -> Row:
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [charge])
        return await pay_charge(tx, row, row["amount"] - row["paid"], payment=f"pay_{charge}", channel="sandbox")


async def test_one_agreement_a_vehicle_over_all_drivers(site: Site) -> None:
    mine = await agreed(site)
    assert mine.status == 201, mine.raw
    said = mine.json
    assert (said["state"], said["channel"], said["pays_later"], said["vehicle"]) == ("active", "sandbox", True, CAR)
    other = await agreed(site, who="ben")
    assert (other.status, other.json["code"]) == (409, "vehicle-agreed")
    path = f"/v1/agreements/{said['id']}"
    assert (await site.get(path, who="ben")).status == 404
    assert (await site.delete(path, who="ben")).status == 404
    assert (await site.delete(path)).status == 204
    assert (await site.delete(path)).status == 404
    assert (await site.get(path)).json["reasons"] == ["no_agreement"]
    assert (await agreed(site, who="ben")).status == 201
    assert [one["state"] for one in (await site.get("/v1/agreements")).json["items"]] == ["ended"]


async def test_an_agreement_with_nobody_is_refused(site: Site) -> None:
    answer = await site.post("/v1/agreements", {"vehicle": CAR, "channel": "nobody"})
    assert (answer.status, answer.json["code"]) == (409, "unknown-channel")
    assert (await site.post("/v1/agreements", {"vehicle": {"plate": "x", "color": "blue"}})).status == 422


async def test_what_is_unpaid_stands_against_credit_until_it_is_paid(site: Site) -> None:
    made = (await agreed(site)).json["id"]
    charge = await unpaid(site)
    now = (await site.get(f"/v1/agreements/{made}")).json
    assert (now["pays_later"], now["reasons"], now["unpaid"]["amount"]) == (False, ["unpaid"], 500)
    await paid(site, charge["id"])
    assert (await site.get(f"/v1/agreements/{made}")).json["pays_later"]


async def test_charges_are_told_to_whom_they_concern(site: Site) -> None:
    charge = await unpaid(site)
    await unpaid(site, driver="ben", plate=OTHER_CAR["plate"], color=OTHER_CAR["color"])
    page = (await site.get("/v1/charges", params={"state": "due"})).json
    assert [one["id"] for one in page["items"]] == [charge["id"]]
    one = (await site.get(f"/v1/charges/{charge['id']}")).json
    assert (one["amount"], one["open"]) == ({"amount": 500, "currency": "CNY"}, {"amount": 500, "currency": "CNY"})
    assert one["evidence"]["place"]["name"] == {"zh": "中街停车场", "en": "Zhongjie"}
    assert [event["kind"] for event in one["events"]] == ["raised"]
    assert (await site.get(f"/v1/charges/{charge['id']}", who="ben")).status == 404
    assert (await site.get(f"/v1/operator/charges/{charge['id']}", who=MIRA)).json == one
    assert (await site.get(f"/v1/operator/charges/{charge['id']}", who=OTTO)).status == 404


async def test_a_stranger_hears_the_amount_only_and_whoever_was_there_everything(site: Site) -> None:
    charge = await unpaid(site, driver=None)
    await unpaid(site, 300, driver=None, car_park="sy-9", operator=OTTO)
    asked = (await site.get(ARREARS, params=MINE, who="ben")).json
    assert (asked["total"]["amount"], asked["items"], asked["hidden"]) == (800, [], 2)
    entered = (charge["begins"] + timedelta(minutes=9)).isoformat()
    told = (await site.get(ARREARS, params={**MINE, "car_park": PARK, "entered_at": entered}, who="ben")).json
    assert ({one["id"] for one in told["items"]} >= {charge["id"]}, len(told["items"]), told["hidden"]) == (True, 2, 0)
    late = (charge["begins"] + timedelta(minutes=11)).isoformat()
    refused = await site.get(ARREARS, params={**MINE, "car_park": PARK, "entered_at": late}, who="ben")
    assert (refused.status, refused.json["code"]) == (403, "proof-refused")
    assert (await site.get(ARREARS, params={**MINE, "car_park": PARK}, who="ben")).status == 400


async def test_guesses_are_few(site: Site) -> None:
    for _ in range(30):
        assert (await site.get(ARREARS, params=MINE, who="ben")).status == 200
    assert (await site.get(ARREARS, params=MINE, who="ben")).status == 429
    assert (await site.get(ARREARS, params=MINE)).status == 200, "others may still ask"


async def test_of_my_own_vehicle_i_see_what_was_since_i_agreed(site: Site) -> None:
    await unpaid(site, 300, driver=None)
    site.clock.advance(7200)
    await agreed(site)
    site.clock.advance(7200)
    since = await unpaid(site, driver=None)
    asked = (await site.get(ARREARS, params=MINE)).json
    assert ([one["id"] for one in asked["items"]], asked["hidden"]) == ([since["id"]], 1)
    assert asked["total"]["amount"] == 800


async def test_an_objection_stops_the_asking_and_its_answer_is_told(site: Site) -> None:
    charge = await unpaid(site, 900)
    body = {"reason": "出口摄像头坏了", "kind": "wrong_times"}
    assert (await site.post(f"/v1/charges/{charge['id']}/dispute", body, who="ben")).status == 404
    made = await site.post(f"/v1/charges/{charge['id']}/dispute", body)
    assert made.status == 200, made.raw
    again = await site.post(f"/v1/charges/{charge['id']}/dispute", body)
    assert (again.status, again.json["code"]) == (409, "already-disputed")
    asked = (await site.get(ARREARS, params=MINE)).json
    assert (asked["total"]["amount"], asked["disputed"]["amount"]) == (0, 900)
    (listed,) = (await site.get("/v1/operator/disputes", params={"state": "open"}, who=MIRA)).json["items"]
    assert (listed["id"], listed["charge_state"], listed["vehicle"]) == (
        made.json["disputes"][0]["id"],
        "disputed",
        CAR,
    )
    assert (await site.get("/v1/operator/disputes", who=OTTO)).json["items"] == []
    path = f"/v1/operator/disputes/{made.json['disputes'][0]['id']}/decide"
    answer = {"decision": "adjust", "amount": 400, "reason": "20 分钟前已离场"}
    assert (await site.post(path, answer, who=OTTO)).status == 404
    assert (await site.post(path, {**answer, "amount": None}, who=MIRA)).status == 422
    decided = await site.post(path, answer, who=MIRA)
    assert (decided.status, decided.json["state"], decided.json["amount"]["amount"]) == (200, "adjusted", 400)
    one = (await site.get(f"/v1/charges/{charge['id']}")).json
    assert (one["state"], one["open"]["amount"]) == ("adjusted", 400)
    assert (one["disputes"][0]["answer"], one["events"][-1]["by"]) == ("20 分钟前已离场", "operator")
    assert (await site.post(path, answer, who=MIRA)).status == 409
    answered = await site.post(f"/v1/charges/{charge['id']}/dispute", body)
    assert (answered.status, answered.json["code"]) == (409, "wrong-state")
    (kept,) = await site.rows("SELECT operator FROM registry.audit WHERE action = 'dispute.decide'")
    assert kept["operator"] == MIRA


@pytest.mark.parametrize(("decision", "state", "charge_state"), [("uphold", "upheld", "due"), ("void", "void", "void")])
async def test_answers(site: Site, decision: str, state: str, charge_state: str) -> None:
    charge = await unpaid(site)
    made = await site.post(f"/v1/charges/{charge['id']}/dispute", {"reason": "no"})
    path = f"/v1/operator/disputes/{made.json['disputes'][0]['id']}/decide"
    decided = await site.post(path, {"decision": decision, "reason": "looked at it"}, who=CITY)
    assert (decided.status, decided.json["state"]) == (200, state), decided.raw
    assert (await site.get(f"/v1/charges/{charge['id']}")).json["state"] == charge_state


async def test_whoever_proves_that_he_was_there_may_object(site: Site) -> None:
    charge = await unpaid(site, driver=None)
    path = f"/v1/charges/{charge['id']}/dispute"
    assert (await site.post(path, {"reason": "no"}, who="ben")).status == 404
    proof = {"car_park": PARK, "entered_at": charge["begins"].isoformat()}
    assert (await site.post(path, {"reason": "no", "proof": proof}, who="ben")).status == 200
    assert (await site.get(f"/v1/charges/{charge['id']}", who="ben")).json["state"] == "disputed"


async def test_an_operator_lists_by_state_and_day(site: Site) -> None:
    first = await unpaid(site)
    site.clock.advance(86_400)
    second = await unpaid(site)
    await paid(site, first["id"])
    path = f"/v1/operator/car-parks/{PARK}/charges"

    async def listed(**params: str) -> list[str]:
        answer = await site.get(path, params=params, who=MIRA)
        assert answer.status == 200, answer.raw
        return [one["id"] for one in answer.json["items"]]

    assert await listed() == [second["id"], first["id"]]
    assert await listed(state="paid") == [first["id"]]
    assert await listed(day=(first["created_at"] + timedelta(hours=8)).date().isoformat()) == [first["id"]]
    page = (await site.get(path, params={"limit": "1"}, who=MIRA)).json
    (rest,) = (await site.get(path, params={"limit": "1", "cursor": page["next"]}, who=MIRA)).json["items"]
    assert rest["id"] == first["id"]
    assert (await site.get(path, who=OTTO)).status == 404


async def test_what_happens_to_my_charges_is_told_the_latest_first(site: Site) -> None:
    charge = await unpaid(site)
    await unpaid(site, driver="ben", plate=OTHER_CAR["plate"], color=OTHER_CAR["color"])
    await site.post(f"/v1/charges/{charge['id']}/dispute", {"reason": "no"})
    page = (await site.get("/v1/charges/events", params={"limit": "1"})).json
    assert [(one["kind"], one["by"], one["state"]) for one in page["items"]] == [("disputed", "driver", "disputed")]
    rest = (await site.get("/v1/charges/events", params={"limit": "1", "cursor": page["next"]})).json
    assert [(one["kind"], one["charge"]) for one in rest["items"]] == [("raised", charge["id"])]
    assert rest["next"] is None


async def test_a_word_that_a_channel_has_not_confirmed_counts_for_nothing(site: Site) -> None:
    async with site.database.transaction() as tx:
        stranger = await agreement(tx, state="pending", driver="ben")
        mine = await agreement(tx, state="pending")
    await unpaid(site, driver=None)
    assert (await site.get(ARREARS, params=MINE, who="ben")).json["items"] == []
    async with site.database.transaction() as tx:
        stands = await standing(tx, PARK, plate=CAR["plate"], color=CAR["color"])
    assert (stands.known.agreement, stands.driver) == ("pending", None)
    waits = confirm_by(site, Asked(PlateState.NORMAL))
    await waits.handle(stranger.encode())
    states = [row["state"] for row in await site.rows("SELECT state FROM billing.agreement ORDER BY state")]
    assert states == ["pending", "pending"], "nobody asked about its driver"
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE billing.agreement SET contract = 'c' || driver")
    await waits.handle(mine.encode())
    await waits.handle(stranger.encode())
    async with site.database.transaction() as tx:
        stands = await standing(tx, PARK, plate=CAR["plate"], color=CAR["color"])
    assert (stands.known.agreement, stands.driver) == ("active", "ann"), "the first that was confirmed"
    assert (await agreed(site, who="ben")).status == 409


class Asked:
    """A channel that says the same of every vehicle, and is asked nothing else."""

    def __init__(self, says: PlateState) -> None:
        self._says = says

    async def eligibility(self, vehicle: Plate, contract: str | None) -> PlateState:
        return self._says


def confirm_by(site: Site, channel: Asked) -> ConfirmAgreement:
    return ConfirmAgreement(site.database, Channels({"sandbox": cast(PaymentChannel, channel)}, "sandbox"), give_order)


async def test_what_was_paid_goes_back_where_the_driver_is_right(site: Site) -> None:
    gates = Gates(site)
    charge = await unpaid(site, 900)
    await gates.pay()
    made = await site.post(f"/v1/charges/{charge['id']}/dispute", {"reason": "paid twice as much"})
    assert made.status == 200, made.raw
    assert (await site.get(f"/v1/charges/{charge['id']}")).json["state"] == "paid", "an objection moves no money"
    path = f"/v1/operator/disputes/{made.json['disputes'][0]['id']}/decide"
    dearer = {"decision": "adjust", "amount": 900, "reason": "no"}
    assert (await site.post(path, dearer, who=MIRA)).json["code"] == "wrong-state"
    decided = await site.post(path, {"decision": "adjust", "amount": 400, "reason": "yes"}, who=MIRA)
    assert (decided.status, decided.json["state"]) == (200, "refunded"), decided.raw
    (refund,) = await site.rows("SELECT charge, amount, reason FROM billing.refund")
    assert tuple(refund) == (charge["id"], 500, "yes")


async def test_what_a_channel_could_not_collect_is_unpaid_at_once(site: Site) -> None:
    made = (await agreed(site)).json["id"]
    async with site.database.transaction() as tx:
        row = await owed(tx, await stay(tx), driver="ann", due_at=tx.now + timedelta(days=1))
        row = await accept_charge(tx, row, channel="sandbox")
    assert (await site.get(f"/v1/agreements/{made}")).json["pays_later"]
    assert (await site.get(ARREARS, params=MINE)).json["items"] == []
    async with site.database.transaction() as tx:
        await refuse_charge(tx, row, channel="sandbox", error="no money")
    assert (await site.get(f"/v1/agreements/{made}")).json["reasons"] == ["unpaid"]
    (item,) = (await site.get(ARREARS, params=MINE)).json["items"]
    assert (item["state"], item["channel"]) == ("due", "sandbox")


async def test_of_two_drivers_who_agree_at_once_one_does(site: Site) -> None:
    both = await asyncio.gather(agreed(site), agreed(site, who="ben"))
    assert sorted(answer.status for answer in both) == [201, 409]


@pytest.mark.parametrize("words", ["", " ", "a\0b", "x" * 1001])
async def test_an_objection_is_words(site: Site, words: str) -> None:
    charge = await unpaid(site)
    answer = await site.post(f"/v1/charges/{charge['id']}/dispute", {"reason": words})
    assert answer.status == 422
