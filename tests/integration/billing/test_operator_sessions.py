"""Operators put stays right over REST, drivers look at theirs: each only what concerns him, every step audited."""

from datetime import timedelta
from typing import Any

import pytest

from billing.credit import give_back_excess
from tests.integration.billing.conftest import BEN, CAR, MIRA, OTTO, PARK, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.stays import agreement
from tests.integration.billing.tariffs import hourly, in_force

WHY = {"reason": "seen on the video"}
EXCEPTIONS = "/v1/operator/exceptions"


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour."""
    await in_force(site, hourly(3))
    return Gates(site)


async def only(site: Site, who: str = MIRA, **query: str) -> Any:
    """The one exception that there is."""
    answer = await site.get(EXCEPTIONS, who=who, params=query)
    (item,) = answer.json["items"]
    return item


async def step(site: Site, session: str, verb: str, body: Any = WHY, *, who: str = MIRA) -> Any:
    answer = await site.post(f"/v1/operator/sessions/{session}/{verb}", body, who=who)
    assert answer.status == 200, answer.raw
    return answer.json


async def test_a_driver_sees_his_stay_as_it_goes_on_and_when_it_is_over(site: Site, gates: Gates) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
    await gates.drive("entry")
    site.clock.advance(60 * 90)
    (listed,) = (await site.get("/v1/sessions")).json["items"]
    seen = (await site.get(f"/v1/sessions/{listed['id']}")).json
    assert (seen["state"], seen["pays_later"], seen["amount"]) == ("open", True, None)
    assert (seen["so_far"]["amount"]["amount"], seen["so_far"]["rises_at"]) == (600, "2026-11-23T02:01:00.000Z")
    assert (seen["place"]["operator"]["en"], seen["entry"]["lane"], seen["tariff_number"]) == (MIRA, "E1", 1)
    assert (await site.get(f"/v1/sessions/{listed['id']}", who=BEN)).status == 404
    assert (await site.get("/v1/sessions", who=BEN)).json["items"] == []
    quote = await site.post(f"/v1/sessions/{listed['id']}/quote")
    assert (quote.status, quote.json["state"], quote.json["amount"]["amount"]) == (201, "quoted", 600)
    await gates.drive("exit")
    seen = (await site.get(f"/v1/sessions/{listed['id']}")).json
    assert (seen["state"], seen["amount"]["amount"], seen["so_far"]) == ("rated", 600, None)
    assert sum(line["amount"]["amount"] for line in seen["lines"]) == 600
    assert seen["lines"][0]["why"]["zh"]
    assert [charge["state"] for charge in seen["charges"] if charge["state"] != "quoted"] == ["due"]


async def test_a_stay_without_a_tariff_is_rated_once_there_is_one(site: Site) -> None:
    gates = Gates(site)
    await gates.park(30)
    found = await only(site)
    assert (found["state"], found["code"], found["reason"]["en"][:9]) == ("exited", "no_tariff", "no tariff")
    assert (found["entry"]["lane"], found["exit"]["lane"]) == ("E1", "X1")
    since = (site.clock.now() - timedelta(days=1)).isoformat()
    await in_force(site, hourly(3, valid_from=since))
    late = await step(site, found["id"], "rate")
    assert (late["state"], late["amount"]["amount"]) == ("rated", 300)
    assert (await site.get(EXCEPTIONS, who=OTTO)).json["items"] == []


async def test_an_exit_is_matched_by_a_person(site: Site, gates: Gates) -> None:
    await gates.drive("entry", CAR | {"plate": "辽A12348"})
    site.clock.advance(60 * 45)
    await gates.drive("exit", CAR | {"plate": "辽A1234B"})
    found = await only(site, state="orphan_exit")
    (candidate,) = found["candidates"]
    assert candidate["plate"] == "辽A12348"
    answer = await site.post(
        f"/v1/operator/sessions/{found['id']}/match", WHY | {"session": candidate["session"]}, who=OTTO
    )
    assert answer.status == 404
    row = await step(site, found["id"], "match", WHY | {"session": candidate["session"]})
    assert (row["id"], row["state"], row["amount"]["amount"]) == (candidate["session"], "rated", 300)
    assert (await site.get(EXCEPTIONS, who=MIRA)).json["items"] == []
    (audited,) = await site.rows("SELECT action, operator FROM registry.audit WHERE action LIKE 'session.%'")
    assert tuple(audited) == ("session.match", MIRA)


async def test_an_exit_that_nobody_can_explain_is_passed_free_and_stays_so(site: Site, gates: Gates) -> None:
    site.clock.advance(3600)
    await gates.drive("exit")
    found = await only(site)
    assert (await step(site, found["id"], "pass-free"))["state"] == "free_passed"
    await gates.drive("entry", minute=5)
    assert await gates.charges() == []
    assert await gates.states() == ["free_passed"]


async def test_what_is_void_is_not_billed_by_an_exit_that_comes_later(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    (row,) = await gates.sessions()
    assert (await step(site, row["id"], "void"))["state"] == "voided"
    site.clock.advance(3600)
    await gates.drive("exit")
    assert await gates.charges() == []


async def test_what_was_paid_inside_for_a_stay_that_is_void_goes_back(site: Site, gates: Gates) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
    await gates.drive("entry")
    site.clock.advance(60 * 30)
    (row,) = await gates.sessions()
    assert (await site.post(f"/v1/sessions/{row['id']}/quote")).status == 201
    await gates.pay()
    await step(site, row["id"], "void")
    await give_back_excess(site.database, row["id"])
    (refund,) = await site.rows("SELECT amount FROM billing.refund")
    assert refund["amount"] == 300


async def test_a_correction_supersedes_and_counts_what_was_paid(site: Site, gates: Gates) -> None:
    await gates.park(30)
    await gates.pay()
    (row,) = await gates.sessions()
    path = f"/v1/operator/car-parks/{PARK}/passages/{row['exit_passage']}"
    site.clock.advance(86_400)
    dearer = await site.post(f"{path}/correct", WHY | {"at": site.at(60 * 2 - 30 - 24 * 60)}, who=MIRA)
    assert dearer.status == 200, dearer.raw
    states = {one["state"]: one for one in dearer.json["sessions"]}
    assert set(states) == {"corrected", "rated"}
    assert (states["rated"]["supersedes"], states["rated"]["amount"]["amount"]) == (row["id"], 600)
    assert await gates.charges() == [("paid", 300), ("due", 300)]
    again = await site.get(path, who=MIRA)
    assert [one["made_by"] is None for one in again.json["items"]] == [True, False]
    await gates.pay()
    last = dearer.json["passage"]["id"]
    gone = await site.post(f"/v1/operator/car-parks/{PARK}/passages/{last}/void", WHY, who=MIRA)
    assert {one["state"] for one in gone.json["sessions"]} == {"corrected", "open"}
    for one in await gates.sessions():
        await give_back_excess(site.database, one["id"])
    assert await site.rows("SELECT FROM billing.refund") == [], (
        "it is still inside: what was paid counts when it leaves"
    )
    assert (await site.post(f"{path}/void", WHY, who=MIRA)).status == 404
    assert (await site.post(f"{path}/void", WHY, who=OTTO)).status == 404


async def test_an_exit_that_no_lane_told_is_added_and_one_that_is_still_to_come_is_not(
    site: Site, gates: Gates
) -> None:
    await gates.drive("entry")
    site.clock.advance(3600)
    body = WHY | {"lane": "X1", "direction": "exit", "vehicle": CAR, "at": site.at(-1)}
    path = f"/v1/operator/car-parks/{PARK}/passages"
    assert (await site.post(path, body | {"at": site.at(1)}, who=MIRA)).status == 422
    assert (await site.post(path, body | {"lane": "Z9"}, who=MIRA)).json["code"] == "unknown-lane"
    added = await site.post(path, body, who=MIRA)
    assert (added.status, added.json["sessions"][0]["state"]) == (201, "rated"), added.raw
    assert await gates.charges() == [("due", 300)]


async def test_a_lost_ticket_costs_what_the_tariff_says(site: Site) -> None:
    await in_force(site, hourly(3, lost_ticket={"amount": 5000, "how": "instead"}))
    gates = Gates(site)
    await gates.drive("entry", {}, ticket="T-1")
    (row,) = await gates.sessions()
    site.clock.advance(3600)
    body = WHY | {"lane": "X1", "at": site.at(0)}
    assert (await step(site, row["id"], "lost-ticket", body))["amount"]["amount"] == 5000
    assert await gates.charges() == [("due", 5000)]


async def test_a_stay_beyond_belief_is_billed_when_somebody_has_looked_at_it(site: Site, gates: Gates) -> None:
    await gates.park(31 * 24 * 60)
    found = await only(site, state="suspect")
    assert found["code"] == "too_long"
    row = await step(site, found["id"], "rate")
    assert (row["state"], row["amount"]["amount"]) == ("rated", 31 * 24 * 300)
    await gates.drive("entry")
    assert sorted(await gates.states()) == ["open", "rated"]
    refused = await site.post(f"/v1/operator/sessions/{found['id']}/rate", WHY, who=MIRA)
    assert refused.json["code"] == "wrong-state"
