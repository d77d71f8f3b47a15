"""A promised space that somebody else stands on: the nearest equal one stands in, and nobody is evicted."""

import pytest

from contracts.facts import Facts
from tests.integration.reservation.arrivals import Lanes, events, state
from tests.integration.reservation.asking import lend
from tests.integration.reservation.conftest import BEN, OTHER_CAR, Site, park

SPACES = [
    {"space": "B1-001", "zone": "B1"},
    {"space": "B1-002", "zone": "B1", "features": ["accessible"]},
    {"space": "B2-001", "zone": "B2"},
    {"space": "B1-003", "zone": "B1"},
]


@pytest.fixture
async def lanes(site: Site) -> Lanes:
    zones = [{"zone": "B1", "capacity": 10}, {"zone": "B2", "capacity": 10}]
    answer = await site.put("/v1/operator/car-parks/sy-1", park(spaces=SPACES, zones=zones))
    assert answer.status == 200, answer.raw
    return Lanes(site)


async def test_at_arrival_the_nearest_equal_space_stands_in_at_the_same_price(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 60, space="B1-001")
    await lanes.sense("B1-001")
    await lanes.sense("B1-002", "B2-001", "B1-003", state="free")
    site.clock.advance(10)
    await lanes.drive("entry")
    seen = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen["state"], seen["space"], seen["price"]) == ("checked_in", "B1-003", made["price"])
    assert await events(site, made["id"]) == ["held", "confirmed", "space_substituted", "checked_in"]
    assert await lanes.texts() == ["请停 B1-003 Park at B1-003"]
    assert await site.miscounted() == []


async def test_ahead_of_time_the_driver_is_told_before_he_comes(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(30, 90, space="B1-001")
    await lanes.sense("B1-001")
    await lanes.tick()
    assert (await events(site, made["id"]))[-1] == "confirmed", "he may not come yet: perhaps it is free by then"
    site.clock.advance(20 * 60)
    await lanes.tick()
    assert (await site.get(f"/v1/reservations/{made['id']}")).json["space"] == "B1-003"
    (told,) = await site.rows("SELECT detail FROM reservation.event WHERE kind = 'space_substituted'")
    assert told["detail"] == {"space_was": "B1-001", "space": "B1-003", "cause": "occupied"}


async def test_the_next_of_an_overstayer_is_protected_and_the_overstayer_stays(site: Site, lanes: Lanes) -> None:
    first = await site.confirmed(0, 60, space="B1-001")
    await lanes.drive("entry")
    await lanes.sense("B1-001")
    after = await site.confirmed(60, 120, space="B1-001", vehicle=OTHER_CAR, who=BEN)
    site.clock.advance(50 * 60)
    await lanes.tick()
    assert (await site.get(f"/v1/reservations/{after['id']}", who=BEN)).json["space"] == "B1-001"
    site.clock.advance(11 * 60)
    await lanes.tick()
    assert (await site.get(f"/v1/reservations/{after['id']}", who=BEN)).json["space"] == "B1-003"
    assert await state(site, first["id"]) == "checked_in"
    await lanes.drive("entry", OTHER_CAR)
    assert await state(site, after["id"]) == "checked_in"


async def test_an_early_guest_waits_for_the_one_before_him(site: Site, lanes: Lanes) -> None:
    await site.confirmed(0, 60, space="B1-001")
    await lanes.drive("entry")
    after = await site.confirmed(60, 120, space="B1-001", vehicle=OTHER_CAR, who=BEN)
    site.clock.advance(50 * 60)
    await lanes.drive("entry", OTHER_CAR)
    assert (await events(site, after["id"]))[-1] == "waits_inside"
    await lanes.drive("exit")
    await lanes.tick()
    assert await state(site, after["id"]) == "checked_in"
    assert await site.miscounted() == []


async def test_without_an_equal_space_he_may_cancel_free_of_charge_and_is_let_off_at_the_lane(
    site: Site, lanes: Lanes
) -> None:
    made = await site.confirmed(10, 90, space="B1-001")
    twin = await site.confirmed(10, 90, space="B1-003", vehicle=OTHER_CAR, who=BEN)
    await lanes.sense("B1-001", "B1-003", "B2-001")
    site.clock.advance(120)
    await lanes.tick()
    await lanes.tick()
    assert await events(site, made["id"]) == ["held", "confirmed", "space_taken"]
    terms = (await site.get(f"/v1/reservations/{made['id']}")).json["terms"]
    assert (terms["cancellation_fee"]["amount"], terms["no_show_fee"]["amount"]) == (0, 0)
    cancelled = await site.step(made["id"], "cancel")
    assert (cancelled.json["state"], cancelled.json["fee"]["amount"]) == ("cancelled", 0)
    site.clock.advance(600)
    await lanes.drive("entry", OTHER_CAR)
    seen = (await site.get(f"/v1/reservations/{twin['id']}", who=BEN)).json
    assert (seen["state"], seen["fee"]["amount"]) == ("cancelled", 0)
    assert await lanes.texts() == ["预约车位被占，已免费取消 Space taken, cancelled free"]
    assert await site.miscounted() == []


async def test_his_own_car_on_the_space_is_not_in_his_way(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 60, space="B1-001")
    came = lanes.passage("entry")
    site.clock.advance(90)
    await lanes.sense("B1-001")
    site.clock.advance(10)
    await lanes.record(Facts(passages=[came]))
    seen = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen["state"], seen["space"]) == ("checked_in", "B1-001")


async def test_a_lent_space_is_replaced_by_a_lent_one_and_begins_no_earlier_than_it_is_lent(
    site: Site, lanes: Lanes
) -> None:
    await lend(site, "B1-001", begins=10)
    await lend(site, "B1-003", begins=10)
    made = await site.confirmed(10, 60, space="B1-001")
    await lanes.drive("entry")
    assert (await events(site, made["id"]))[-1] == "waits_inside", "its owner has it until then"
    await lanes.sense("B1-001", state="out_of_service")
    site.clock.advance(600)
    await lanes.tick()
    seen = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen["state"], seen["space"], seen["listing"]) == ("checked_in", "B1-003", "lst_b1-003")
