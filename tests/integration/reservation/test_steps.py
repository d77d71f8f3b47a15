"""Hold, confirm, extend, cancel over HTTP: what is promised is kept, and the counters say what the rows say."""

from typing import Any

from tests.integration.reservation.conftest import BEN, CAR, OTHER_CAR, Site


async def test_a_hold_is_confirmed_and_cancelled(site: Site) -> None:
    held = await site.hold()
    assert (held.status, held.json["state"]) == (201, "held"), held.raw
    assert held.json["hold_expires_at"] and held.json["price"] == {"amount": 500, "currency": "CNY"}
    path = f"/v1/reservations/{held.json['id']}"
    assert held.headers["Location"] == path
    assert (await site.get(path)).json == held.json
    confirmed = await site.step(held.json["id"], "confirm")
    assert (confirmed.json["state"], confirmed.json["version"]) == ("confirmed", 2)
    assert await site.miscounted() == []
    cancelled = await site.step(held.json["id"], "cancel")
    assert (cancelled.json["state"], cancelled.json["fee"]["amount"]) == ("cancelled", 0)
    assert await site.miscounted() == []
    again = await site.step(held.json["id"], "confirm")
    assert (again.status, again.json["code"], again.json["state"]) == (409, "wrong-state", "cancelled")


async def test_a_pool_promises_no_more_than_it_may_at_any_moment(site: Site) -> None:
    for number in range(3):
        assert (await site.hold(vehicle={"plate": f"辽A0000{number}", "color": "blue"})).status == 201
    refused = await site.hold(119, 130, vehicle=OTHER_CAR)
    assert (refused.status, refused.json["code"]) == (409, "no-space-left"), refused.raw
    assert (await site.hold(120, 130, vehicle=OTHER_CAR)).status == 201
    assert await site.miscounted() == []


async def test_a_numbered_space_and_a_vehicle_are_promised_once_at_a_time(site: Site) -> None:
    assert (await site.hold(space="B1-001")).status == 201
    taken = await site.hold(100, 110, space="B1-001", vehicle=OTHER_CAR)
    assert (taken.status, taken.json["code"]) == (409, "no-space-left")
    twice = await site.hold(100, 110, space="B1-002", who=BEN)
    assert (twice.status, twice.json["code"]) == (409, "vehicle-promised")
    same_letters = await site.hold(100, 110, vehicle=CAR | {"color": "yellow"})
    assert same_letters.status == 201
    assert await site.miscounted() == []


async def test_a_stay_over_midnight_counts_on_both_days(site: Site) -> None:
    minutes = 24 * 60
    first = await site.hold(minutes - 30, minutes + 30)
    assert first.status == 201
    rows = await site.rows(
        "SELECT day::text, (SELECT sum(minute) FROM unnest(used) AS minute) FROM reservation.pool_day ORDER BY day"
    )
    assert [tuple(row) for row in rows] == [("2026-11-23", 30), ("2026-11-24", 30)]
    extended = await site.step(first.json["id"], "extend", {"until": site.at(minutes + 90)})
    assert (extended.status, extended.json["price"]["amount"]) == (200, 1000), extended.raw
    assert await site.miscounted() == []
    assert (await site.step(first.json["id"], "cancel")).status == 200
    assert await site.miscounted() == []


async def test_a_hold_that_ran_out_is_over_before_any_sweep(site: Site) -> None:
    held = await site.hold()
    site.clock.advance(301)
    assert (await site.get(f"/v1/reservations/{held.json['id']}")).json["state"] == "expired"
    late = await site.step(held.json["id"], "confirm")
    assert (late.status, late.json["state"]) == (409, "expired")


async def test_nobody_sees_or_moves_what_is_somebody_elses(site: Site) -> None:
    held = await site.hold()
    assert (await site.get(f"/v1/reservations/{held.json['id']}", who=BEN)).status == 404
    assert (await site.step(held.json["id"], "confirm", who=BEN)).status == 404
    assert (await site.get("/v1/reservations", who=BEN)).json["items"] == []
    assert [item["id"] for item in (await site.get("/v1/reservations")).json["items"]] == [held.json["id"]]
    for state, shown in (("held", [held.json["id"]]), ("confirmed", [])):
        page = await site.get("/v1/reservations", params={"state": state})
        assert [item["id"] for item in page.json["items"]] == shown


async def test_bad_input_is_told_by_field(site: Site) -> None:
    refusals: tuple[tuple[dict[str, Any], int], ...] = (
        ({"vehicle": {"plate": "XYZ", "color": "blue"}}, 422),
        ({"until": 30}, 422),
        ({"car_park": None}, 422),
        ({"car_park": "nowhere"}, 404),
        ({"space": "Z-9"}, 404),
        ({"begins": -60}, 409),
        ({"until": 60 * 24 * 9}, 409),
    )
    for changes, code in refusals:
        answer = await site.hold(**changes)
        assert answer.status == code, (changes, answer.raw)
