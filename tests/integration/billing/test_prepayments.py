"""Paying inside: a price that is good for some minutes, and the exit that asks for no more, or for the difference."""

from typing import Any

import pytest

from billing.charges import pay_charge
from billing.sql import charges
from tests.integration.billing.conftest import CAR, MIRA, OTHER_CAR, OTTO, PARK, Answer, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.tariffs import hourly, in_force


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour."""
    await in_force(site, hourly(3))
    return Gates(site)


async def price(site: Site, minutes_ago: float, *, who: str = "ann", **changes: Any) -> Answer:
    """Asked by somebody who has no agreement."""
    body = {"car_park": PARK, "vehicle": CAR, "entered_at": site.at(-minutes_ago), **changes}
    return await site.post("/v1/prepayments", body, who=who)


async def paid(site: Site, charge: str) -> None:
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [charge])
        await pay_charge(tx, row, row["amount"], payment=f"pay_{charge}", channel="sandbox")


async def test_paid_inside_the_exit_opens_within_the_window(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    site.clock.advance(60 * 50)
    quoted = await price(site, 50)
    assert quoted.status == 201, quoted.raw
    said = quoted.json
    assert (said["state"], said["open"]["amount"], said["good_until"]) == ("quoted", 300, "2026-11-23T00:55:00.000Z")
    assert (await price(site, 48)).json["id"] == said["id"], "the same price is the same charge"
    await paid(site, said["id"])
    assert (await price(site, 50)).json["code"] == "nothing-to-pay"
    site.clock.advance(60 * 15)
    await gates.drive("exit")
    assert [order[0] for order in await gates.orders()] == ["open_barrier"]
    assert await gates.charges() == [("paid", 300)]


async def test_later_than_the_window_the_difference_is_asked_for(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    site.clock.advance(60 * 50)
    await paid(site, (await price(site, 50)).json["id"])
    site.clock.advance(60 * 16)
    again = await price(site, 66)
    assert [line["amount"]["amount"] for line in again.json["lines"]] == [600, -300]
    await gates.drive("exit")
    assert sorted(await gates.charges()) == [("due", 300), ("paid", 300)]


async def test_a_stranger_learns_nothing(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    site.clock.advance(60 * 50)
    assert (await price(site, 20)).status == 404
    assert (await price(site, 50, vehicle=OTHER_CAR)).status == 404
    (session,) = await gates.sessions()
    assert (await site.post("/v1/prepayments", {"session": session["id"]}, who="ben")).status == 404
    assert (await site.post("/v1/prepayments", {"car_park": PARK, "vehicle": CAR})).status == 422


async def test_a_driver_names_his_own_stay_and_a_machine_the_plate(site: Site, gates: Gates) -> None:
    await site.post("/v1/agreements", {"vehicle": CAR})
    await gates.drive("entry")
    site.clock.advance(60 * 50)
    (session,) = await gates.sessions()
    mine = await site.post("/v1/prepayments", {"session": session["id"]})
    path = f"/v1/operator/car-parks/{PARK}/prepayments"
    machine = await site.post(path, {"vehicle": CAR}, who=MIRA)
    assert (mine.status, machine.status) == (201, 201)
    assert mine.json == machine.json
    assert (await site.post(path, {"vehicle": CAR}, who=OTTO)).status == 404
    assert (await site.post(path, {}, who=MIRA)).status == 422


async def test_a_driver_sees_how_he_stands_while_he_is_inside(site: Site, gates: Gates) -> None:
    await site.post("/v1/agreements", {"vehicle": CAR})
    await gates.drive("entry")
    (session,) = await gates.sessions()
    path = f"/v1/sessions/{session['id']}"
    seen = (await site.get(path)).json
    assert (seen["at_entry"]["pays_later"], seen["now"]["reasons"], seen["at_exit"]) == (True, [], None)
    policy = f"/v1/operator/car-parks/{PARK}/billing-policy"
    await site.put(policy, {"pay_later": False}, who=MIRA)
    assert (await site.get(path)).json["now"]["reasons"] == ["not_offered"]
    await site.put(policy, {}, who=MIRA)
    site.clock.advance(60)
    await gates.drive("exit")
    left = (await site.get(path)).json
    assert (left["at_exit"]["way"], left["at_exit"]["amount"]["amount"], left["now"]) == ("pay_later", 300, None)
    assert left["at_exit"]["charge"] == left["charges"][0]["id"]
