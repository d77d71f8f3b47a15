"""Passages check in and out; what a lane is told; nobody is checked in wrongly, and a replay opens no barrier."""

from datetime import timedelta

import pytest

from contracts.facts import Facts
from tests.integration.reservation.arrivals import Lanes, events, state
from tests.integration.reservation.conftest import BEN, CAR, OTHER_CAR, Site, park

THIRD_CAR = {"plate": "辽A99999", "color": "blue"}


@pytest.fixture
def lanes(site: Site) -> Lanes:
    return Lanes(site)


async def test_a_guest_is_checked_in_by_his_plate_and_out_again(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 60)
    site.clock.advance(300)
    passage = await lanes.drive("entry")
    seen = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen["state"], seen["checked_in_at"]) == ("checked_in", "2026-11-23T00:05:00.000Z")
    (row,) = await site.rows("SELECT passage FROM reservation.reservation")
    assert row["passage"] == passage
    assert await lanes.orders() == [("open_barrier", "E1")]
    site.clock.advance(1200)
    await lanes.drive("exit")
    assert (await site.get(f"/v1/reservations/{made['id']}")).json["fee"]["amount"] == 0
    assert await events(site, made["id"]) == ["held", "confirmed", "checked_in", "completed"]
    assert await lanes.orders() == [("open_barrier", "E1")]
    (day,) = await site.rows("SELECT used[30] AS rest, used[10] AS was FROM reservation.pool_day")
    assert (day["rest"], day["was"]) == (0, 1)
    assert await site.miscounted() == []


async def test_overstaying_costs_what_the_terms_say_and_evicts_nobody(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 60)
    await lanes.drive("entry")
    site.clock.advance(60 * 90)
    await lanes.drive("exit")
    seen = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen["state"], seen["fee"]["amount"], seen["overstaying"]) == ("completed", 500, True)


async def test_the_plate_alone_is_enough_where_the_colour_was_not_read_and_one_is_meant(
    site: Site, lanes: Lanes
) -> None:
    blue = await site.confirmed(0, 60)
    await lanes.drive("entry", {"plate": CAR["plate"]})
    assert await state(site, blue["id"]) == "checked_in"
    site.clock.advance(60)
    await lanes.drive("exit", {"plate": CAR["plate"]})
    first = await site.confirmed(0, 60)
    second = await site.confirmed(0, 60, vehicle=CAR | {"color": "yellow"}, who=BEN)
    await lanes.drive("entry", {"plate": CAR["plate"]})
    assert [await state(site, one["id"]) for one in (first, second)] == ["confirmed", "confirmed"]
    await lanes.drive("entry", CAR | {"color": "white"})
    assert [await state(site, one["id"]) for one in (first, second)] == ["confirmed", "confirmed"]


async def test_vehicles_without_a_plate_and_exits_without_an_entry_move_nothing(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 60)
    await lanes.drive("entry", {}, ticket="T-1")
    await lanes.drive("exit")
    assert await state(site, made["id"]) == "confirmed"
    await lanes.drive("entry")
    assert await state(site, made["id"]) == "checked_in"


async def test_a_replayed_passage_gives_no_order_and_checks_in_nobody_wrongly(site: Site, lanes: Lanes) -> None:
    seen = lanes.passage("entry")
    site.clock.advance(60)
    made = await site.confirmed(0, 120)
    await lanes.record(Facts(passages=[seen]))
    assert await state(site, made["id"]) == "confirmed", "it came before there was a promise"
    site.clock.advance(60)
    late = lanes.passage("entry")
    site.clock.advance(60 * 35)
    await lanes.record(Facts(passages=[late]))
    seen_now = (await site.get(f"/v1/reservations/{made['id']}")).json
    assert (seen_now["state"], seen_now["checked_in_at"]) == ("checked_in", "2026-11-23T00:02:00.000Z")
    await lanes.record(Facts(passages=[late]))
    old_exit = lanes.passage("exit", at=late.at - timedelta(seconds=30))
    await lanes.record(Facts(passages=[old_exit]))
    assert await state(site, made["id"]) == "checked_in", "an older exit is not of this stay"
    assert await lanes.orders() == []


async def test_late_is_a_no_show_and_is_not_let_in_as_a_guest(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(0, 120)
    site.clock.advance(1801)
    await lanes.drive("entry")
    assert (await site.get(f"/v1/reservations/{made['id']}")).json["state"] == "no_show"
    assert await lanes.orders() == []


async def test_another_car_parks_lane_is_none_of_ours(site: Site, lanes: Lanes) -> None:
    await site.put("/v1/operator/car-parks/sy-2", {**park(), "name": {"zh": "二", "en": "two"}})
    made = await site.confirmed(0, 60)
    await lanes.drive("entry", car_park="sy-2")
    assert await state(site, made["id"]) == "confirmed"


async def test_an_early_guest_takes_his_space_earlier_when_there_is_room(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(10, 60)
    await lanes.drive("entry")
    assert await state(site, made["id"]) == "checked_in"
    assert await site.miscounted() == []
    (day,) = await site.rows("SELECT used[1] AS now FROM reservation.pool_day")
    assert day["now"] == 1


async def test_an_early_guest_without_room_waits_inside_until_there_is(site: Site, lanes: Lanes) -> None:
    for number in range(3):
        await site.confirmed(0, 10, vehicle={"plate": f"辽A0000{number}", "color": "blue"}, who=BEN)
    made = await site.confirmed(10, 60)
    await lanes.drive("entry")
    assert await state(site, made["id"]) == "confirmed"
    assert (await events(site, made["id"]))[-1] == "waits_inside"
    assert await lanes.texts() == ["预约车位尚未空出 Your space is not free yet"]
    await lanes.tick()
    assert await state(site, made["id"]) == "confirmed"
    site.clock.advance(600)
    await lanes.tick()
    assert await state(site, made["id"]) == "checked_in"
    assert await site.miscounted() == []


async def test_who_waited_inside_and_is_seen_twice_at_the_exit_leaves_once(site: Site, lanes: Lanes) -> None:
    for number in range(3):
        await site.confirmed(0, 10, vehicle={"plate": f"辽A0000{number}", "color": "blue"}, who=BEN)
    made = await site.confirmed(10, 60)
    await lanes.drive("entry")
    site.clock.advance(600)
    await lanes.tick()
    site.clock.advance(60)
    await lanes.record(Facts(passages=[lanes.passage("exit"), lanes.passage("exit", lane="X2")]))
    assert (await events(site, made["id"]))[-2:] == ["checked_in", "completed"]


async def test_far_too_early_and_out_again_leaves_the_promise_as_it_was(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(180, 240)
    await lanes.drive("entry")
    site.clock.advance(600)
    await lanes.drive("exit")
    assert (await events(site, made["id"]))[-2:] == ["waits_inside", "left_again"]
    site.clock.advance(180 * 60)
    await lanes.tick()
    assert await state(site, made["id"]) == "confirmed"
    await lanes.drive("entry")
    assert await state(site, made["id"]) == "checked_in"


async def test_nobody_says_yes_to_a_hold_by_driving_in_but_it_is_taken_up_once_he_does(
    site: Site, lanes: Lanes
) -> None:
    held = (await site.hold(0, 60)).json
    await lanes.drive("entry")
    assert await state(site, held["id"]) == "held"
    assert await lanes.texts() == ["请先确认预约 Please confirm your reservation"]
    await lanes.tick()
    assert await state(site, held["id"]) == "held"
    await site.step(held["id"], "confirm")
    await lanes.tick()
    assert await state(site, held["id"]) == "checked_in"


async def test_a_hold_of_somebody_who_drove_away_again_ends(site: Site, lanes: Lanes) -> None:
    held = (await site.hold(0, 60)).json
    await lanes.record(Facts(passages=[lanes.passage("entry")]))
    site.clock.advance(30)
    await lanes.drive("exit")
    assert await state(site, held["id"]) == "cancelled"
    assert await site.miscounted() == []


async def test_an_entry_and_an_exit_told_together_leave_nobody_inside(site: Site, lanes: Lanes) -> None:
    made = await site.confirmed(60, 120)
    came = lanes.passage("entry")
    site.clock.advance(5)
    await lanes.record(Facts(passages=[lanes.passage("exit"), came]))
    (row,) = await site.rows("SELECT inside_since FROM reservation.reservation WHERE id = $1", made["id"])
    assert row["inside_since"] is None


async def test_whoever_stays_from_one_promise_into_the_next_is_moved_over(site: Site, lanes: Lanes) -> None:
    first = await site.confirmed(0, 60, space="B1-001")
    second = await site.confirmed(60, 120, space="B1-001")
    await lanes.drive("entry")
    await lanes.sense("B1-001")
    await lanes.tick()
    assert await state(site, second["id"]) == "confirmed"
    site.clock.advance(3600)
    await lanes.tick()
    one, two = [(await site.get(f"/v1/reservations/{made['id']}")).json for made in (first, second)]
    assert (one["state"], one["fee"]["amount"]) == ("completed", 0)
    assert (two["state"], two["space"]) == ("checked_in", "B1-001")
    assert await site.miscounted() == []
    await lanes.drive("exit")
    assert await state(site, second["id"]) == "completed"


async def test_a_second_entry_after_an_exit_that_nobody_saw_charges_no_overstay(site: Site, lanes: Lanes) -> None:
    first = await site.confirmed(0, 60)
    await lanes.drive("entry")
    site.clock.advance(60 * 120)
    second = await site.confirmed(0, 60)
    await lanes.drive("entry")
    one, two = [(await site.get(f"/v1/reservations/{made['id']}")).json for made in (first, second)]
    assert (one["state"], one["fee"]["amount"], two["state"]) == ("completed", 0, "checked_in")


async def test_walk_ins_are_refused_when_what_is_free_is_promised(site: Site, lanes: Lanes) -> None:
    await site.put("/v1/operator/car-parks/sy-1", park(capacity=10))
    await lanes.sense(*[f"B1-{number:03}" for number in range(1, 9)])
    await lanes.sense("B1-009", "B1-010", state="free")
    await lanes.drive("entry", OTHER_CAR)
    assert await lanes.orders() == [], "nothing is promised: the car park lets in whom it lets in"
    await site.confirmed(20, 60)
    await lanes.drive("entry", OTHER_CAR)
    assert await lanes.orders() == [], "two are free and one is promised"
    await site.confirmed(20, 60, vehicle=THIRD_CAR, who=BEN)
    await lanes.drive("entry", OTHER_CAR)
    assert sorted(await lanes.orders()) == [("refuse_entry", "E1"), ("show_text", "E1")]
    assert await lanes.texts() == ["余位已被预约 All free spaces are reserved"]
    (row,) = await site.rows("SELECT reason FROM gateway.device_order WHERE kind = 'refuse_entry'")
    assert row["reason"] == "spaces_promised"
    await lanes.drive("entry", THIRD_CAR)
    assert len(await lanes.orders("refuse_entry")) == 1, "too early, but his own space is kept for him"
    site.clock.advance(900)
    await lanes.drive("entry")
    assert (await lanes.orders("open_barrier")) == [("open_barrier", "E1")]


async def test_a_second_reading_opens_nothing_for_whoever_follows_and_a_later_entry_does(
    site: Site, lanes: Lanes
) -> None:
    await site.confirmed(0, 60)
    await lanes.drive("entry")
    site.clock.advance(3)
    await lanes.drive("entry")
    assert await lanes.orders() == [("open_barrier", "E1")]
    site.clock.advance(600)
    await lanes.drive("entry")
    assert await lanes.orders() == [("open_barrier", "E1")] * 2


async def test_a_guest_on_his_way_to_a_space_has_it_although_no_sensor_saw_him(site: Site, lanes: Lanes) -> None:
    await site.put("/v1/operator/car-parks/sy-1", park(capacity=10))
    await lanes.sense(*[f"B1-{number:03}" for number in range(1, 9)])
    await lanes.sense("B1-009", "B1-010", state="free")
    await site.confirmed(0, 60)
    await site.confirmed(20, 60, vehicle=THIRD_CAR, who=BEN)
    await lanes.drive("entry")
    site.clock.advance(60)
    await lanes.drive("entry", OTHER_CAR)
    assert await lanes.orders("refuse_entry") == [("refuse_entry", "E1")], "two are free: one his, one promised"
    site.clock.advance(300)
    await lanes.sense("B1-009", "B1-010", state="free")
    await lanes.drive("entry", OTHER_CAR)
    assert len(await lanes.orders("refuse_entry")) == 1, "he stands somewhere that nobody watches"
