"""Offers over HTTP: what was offered can be held, at that price and under those terms, until the offer is over."""

from datetime import timedelta

from tests.integration.reservation.asking import found, lend, put_policy, take
from tests.integration.reservation.conftest import (
    CAR,
    OTHER_CAR,
    PARK,
    Site,
    moment,
    park,
)


async def test_what_was_offered_is_held_whatever_the_policy_says_meanwhile(site: Site) -> None:
    await put_policy(site, price_per_hour=333, no_show_fee_bp=5000)
    [offer] = await found(site, 60, 121)
    assert offer["price"]["amount"] == 339  # 61 minutes at 3.33 yuan: 338.55 fen
    await put_policy(site, price_per_hour=9_999)
    held = await take(site, offer)
    assert held.status == 201, held.raw
    assert held.json["price"] == offer["price"] and held.json["terms"] == offer["terms"]
    assert (held.json["from"], held.json["until"]) == (offer["from"], offer["until"])
    [dearer] = await found(site, 60, 121)
    assert (dearer["price"]["amount"], dearer["left"]) == (-(-9_999 * 61 // 60), 2)


async def test_an_offer_is_over_when_it_says(site: Site) -> None:
    await put_policy(site, offer_s=60)
    [offer] = await found(site)
    assert moment(offer["expires_at"]) == site.clock.now() + timedelta(seconds=60)
    site.clock.advance(59)
    assert (await take(site, offer)).status == 201
    site.clock.advance(1)
    over = await take(site, offer, vehicle=OTHER_CAR)
    assert (over.status, over.json["code"]) == (409, "offer-over"), over.raw


async def test_an_offer_is_over_when_its_window_can_no_longer_be_booked(site: Site) -> None:
    await put_policy(site, notice_s=600)
    [offer] = await found(site, 12, 60)
    assert moment(offer["expires_at"]) == site.clock.now() + timedelta(minutes=2)
    assert await found(site, 9, 60) == []
    await put_policy(site)
    [late] = await found(site, -3, 60)
    assert moment(late["expires_at"]) == site.clock.now() + timedelta(minutes=2)


async def test_a_forged_or_contradicted_offer_is_refused(site: Site) -> None:
    [offer] = await found(site)
    token = offer["offer"]
    for forged in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token[5:], "x", "", "é", "A" * 1_025):
        answer = await take(site, {"offer": forged})
        assert answer.status == 422, (forged, answer.raw)
    for beside in (
        {"car_park": "sy-2"},
        {"space": "B1-001"},
        {"space": f"{PARK}/B1-001"},
        {"from": site.at(61)},
        {"until": site.at(121)},
    ):
        answer = await take(site, offer, **beside)
        assert answer.status == 422, (beside, answer.raw)
        assert [error["field"] for error in answer.json["errors"]] == list(beside), answer.raw
    same = await take(site, offer, car_park=PARK, **{"from": site.at(60), "until": site.at(120)})
    assert same.status == 201, same.raw


async def test_an_offer_takes_nothing_from_others(site: Site) -> None:
    [offer] = await found(site)
    for number in range(3):
        assert (await site.hold(vehicle={"plate": f"辽A0000{number}", "color": "blue"})).status == 201
    refused = await take(site, offer)
    assert (refused.status, refused.json["code"]) == (409, "no-space-left")
    assert await found(site) == []
    assert len(await found(site, 120, 180)) == 1


async def test_the_same_request_again_is_answered_as_before_when_the_offer_is_over(site: Site) -> None:
    [offer] = await found(site)
    body = {"offer": offer["offer"], "vehicle": CAR}
    first = await site.post("/v1/reservations", body, key="once")
    site.clock.advance(3_000)
    again = await site.post("/v1/reservations", body, key="once")
    assert (first.status, again.status, again.raw) == (201, 201, first.raw)


async def test_an_offer_of_a_space_whose_listing_changed_is_over(site: Site) -> None:
    [numbered] = await found(site, car_park=PARK, space="B1-003")
    await lend(site, "B1-003")
    gone = await take(site, numbered)
    assert (gone.status, gone.json["code"]) == (409, "offer-over"), gone.raw
    [lent] = await found(site, car_park=PARK, space="B1-003")
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE reservation.listing SET state = 'revoked'")
    gone = await take(site, lent)
    assert (gone.status, gone.json["code"]) == (409, "not-shared"), gone.raw  # it was lent once: it is private
    assert await site.rows("SELECT id FROM reservation.reservation") == []
    assert await site.miscounted() == []


async def test_less_is_reservable_than_is_promised(site: Site) -> None:
    """What is promised stands, and nothing new is held before it has come down."""
    kept = [await site.confirmed(vehicle={"plate": f"辽A0000{number}", "color": "blue"}) for number in range(3)]
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=1))).status == 200
    assert await found(site) == []
    assert (await site.hold(vehicle=OTHER_CAR)).json["code"] == "no-space-left"
    assert [offer["left"] for offer in await found(site, 120, 180)] == [1]
    longer = await site.step(kept[0]["id"], "extend", {"until": site.at(150)})
    assert longer.status == 200, longer.raw
    refused = await site.step(kept[1]["id"], "extend", {"until": site.at(130)})
    assert refused.json["code"] == "no-space-left"
    for index in (0, 1):
        assert (await site.step(kept[index]["id"], "cancel")).status == 200
        assert await found(site) == []
    assert (await site.step(kept[2]["id"], "cancel")).status == 200
    assert [offer["left"] for offer in await found(site)] == [1]
    assert (await site.hold(vehicle=OTHER_CAR)).status == 201
    assert await site.miscounted() == []


async def test_nothing_new_where_nothing_is_reservable_any_more(site: Site) -> None:
    kept = await site.confirmed()
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=0))).status == 200
    assert (await site.hold(200, 260, vehicle=OTHER_CAR)).json["code"] == "not-reservable"
    assert (await site.get(f"/v1/reservations/{kept['id']}")).json["state"] == "confirmed"
