"""Operators: how a car park promises, what is promised there, taking a promise back; all of it in the audit."""

from typing import Any

from reservation.policy import Policy
from tests.integration.reservation.conftest import ANN, BEN, CITY, MIRA, OTHER_CAR, OTTO, PARK, Site, park

POLICY = f"/v1/operator/car-parks/{PARK}/reservation-policy"
RESERVATIONS = f"/v1/operator/car-parks/{PARK}/reservations"


async def listed(site: Site, **params: Any) -> list[str]:
    answer = await site.get(RESERVATIONS, params=params, who=MIRA)
    assert answer.status == 200, answer.raw
    return [item["id"] for item in answer.json["items"]]


async def test_a_policy_is_what_was_set_over_the_defaults(site: Site) -> None:
    unset = (await site.get(POLICY, who=MIRA)).json
    assert unset["policy"] == Policy().model_dump() and unset["updated_at"] is None
    assert unset["defaults"] == list(Policy.model_fields)
    changed = await site.put(POLICY, {"price_per_hour": 800, "hold_s": 300}, who=MIRA)
    assert changed.status == 200, changed.raw
    assert changed.json["policy"] == Policy().model_dump() | {"price_per_hour": 800}
    # What is set to the default on purpose stays when a default changes.
    assert changed.json["defaults"] == [
        name for name in Policy.model_fields if name not in ("price_per_hour", "hold_s")
    ]
    assert changed.json["updated_at"] == "2026-11-23T00:00:00.000Z"
    assert (await site.get(POLICY, who=MIRA)).json == changed.json
    again = await site.put(POLICY, {"late_s": 60}, who=CITY)
    assert again.json["policy"] == Policy().model_dump() | {"late_s": 60}
    audit = await site.rows("SELECT action, subject, operator, detail FROM registry.audit ORDER BY number DESC LIMIT 2")
    assert [tuple(row) for row in audit] == [
        (
            "reservation_policy.change",
            f"car-park/{PARK}",
            MIRA,
            {"policy": {"late_s": 60}, "before": {"price_per_hour": 800, "hold_s": 300}},
        ),
        (
            "reservation_policy.change",
            f"car-park/{PARK}",
            MIRA,
            {"policy": {"price_per_hour": 800, "hold_s": 300}, "before": None},
        ),
    ]


async def test_a_new_policy_holds_at_once(site: Site) -> None:
    """Also where the place was remembered, and when it allows what was refused."""
    assert (await site.hold(60, 120)).json["price"]["amount"] == 500
    await site.put(POLICY, {"price_per_hour": 800, "stay_s_max": 3600}, who=MIRA)
    assert (await site.hold(120, 180)).json["price"]["amount"] == 800
    assert (await site.hold(180, 241)).json["code"] == "window-refused"
    await site.put(POLICY, {"price_per_hour": 900, "stay_s_max": 7200}, who=MIRA)
    assert (await site.hold(180, 240)).json["price"]["amount"] == 900
    assert (await site.hold(240, 360)).status == 201


async def test_a_policy_that_cannot_be_is_refused_by_field(site: Site) -> None:
    refused: tuple[Any, ...] = (
        {"price_per_hour": -1},
        {"price_per_hour": "800"},
        {"price_per_hour": 1_000_001},
        {"hold_s": 5},
        {"cancel_fee_bp": 10_001},
        {"stay_s_min": 86_400, "stay_s_max": 3600},
        {"stay_s_min": 30},
        {"late_s": None},
        {"colour": "red"},
        [],
    )
    for body in refused:
        answer = await site.put(POLICY, body, who=MIRA)
        assert answer.status == 422, (body, answer.raw)
    assert (await site.get(POLICY, who=MIRA)).json["updated_at"] is None


async def test_only_the_operator_of_a_car_park_sees_and_changes_its_promises(site: Site) -> None:
    kept = await site.confirmed()
    cancel = f"/v1/operator/reservations/{kept['id']}/cancel"
    for who, status in ((OTTO, 404), (ANN, 403), (None, 401)):
        assert (await site.get(POLICY, who=who)).status == status
        assert (await site.ask("PUT", POLICY, json={}, who=who)).status == status
        assert (await site.get(RESERVATIONS, who=who)).status == status
        assert (await site.post(cancel, {"reason": "mine"}, who=who)).status == status
    assert (await site.get(RESERVATIONS.replace(PARK, "nowhere"), who=MIRA)).status == 404
    assert (await site.get(f"/v1/reservations/{kept['id']}")).json["state"] == "confirmed"


async def test_reservations_by_day_and_state_page_by_page(site: Site) -> None:
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=10))).status == 200
    # Eight in the morning in Shenyang: its Monday ends in 16 hours, with 40 minutes of the third stay.
    kept = [
        (await site.hold(begins, begins + 60, vehicle={"plate": f"辽A0000{number}", "color": "blue"})).json["id"]
        for number, begins in enumerate((60, 300, 16 * 60 - 40, 16 * 60, 40 * 60 - 1, 40 * 60))
    ]
    assert (await site.step(kept[1], "confirm")).status == 200
    assert (await site.step(kept[1], "cancel")).status == 200
    assert (await site.step(kept[2], "confirm")).status == 200
    assert await listed(site) == kept[::-1]
    assert await listed(site, day="2026-11-23") == [kept[2], kept[1], kept[0]]
    assert await listed(site, day="2026-11-24") == [kept[4], kept[3], kept[2]]
    assert await listed(site, day="2026-11-25") == [kept[5], kept[4]]
    assert await listed(site, day="2026-11-22") == []
    assert await listed(site, state="cancelled") == [kept[1]]
    assert await listed(site, state=["cancelled", "confirmed"], day="2026-11-23") == [kept[2], kept[1]]
    paged: list[str] = []
    params: dict[str, Any] = {"limit": 1, "day": "2026-11-23"}
    while True:
        page = (await site.get(RESERVATIONS, params=params, who=MIRA)).json
        paged += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert paged == [kept[2], kept[1], kept[0]]
    for bad in ({"day": "yesterday"}, {"day": "1969-01-01"}, {"state": "lost"}, {"limit": 0}, {"cursor": "x"}):
        assert (await site.get(RESERVATIONS, params=bad, who=MIRA)).status == 400, bad


async def test_days_of_a_time_zone_that_changes_its_clocks(site: Site) -> None:
    answer = await site.put(f"/v1/operator/car-parks/{PARK}", park(time_zone="America/New_York", reservable=10))
    assert answer.status == 200, answer.raw
    await site.put(POLICY, {"ahead_s": 30 * 86_400}, who=MIRA)
    held = (await site.hold(5 * 60 - 30, 5 * 60)).json["id"]  # until midnight there
    assert await listed(site, day="2026-11-22") == [held]
    assert await listed(site, day="2026-11-23") == []


async def test_an_operator_takes_a_promise_back(site: Site) -> None:
    kept = await site.confirmed(10, 60)  # too late to cancel for nothing
    path = f"/v1/operator/reservations/{kept['id']}/cancel"
    for bad in ({}, {"reason": ""}, {"reason": " "}, {"reason": "a\nb"}, {"reason": "x" * 201}, {"reason": 1}):
        assert (await site.post(path, bad, who=MIRA)).status == 422, bad
    taken = await site.post(path, {"reason": "burst pipe"}, who=MIRA)
    assert (taken.status, taken.json["state"], taken.json["fee"]["amount"]) == (200, "cancelled", 0), taken.raw
    assert (await site.get(f"/v1/reservations/{kept['id']}")).json["state"] == "cancelled"
    told = await site.rows("SELECT detail FROM reservation.event WHERE kind = 'cancelled'")
    assert [row["detail"] for row in told] == [{"cause": "operator", "reason": "burst pipe"}]
    audit = await site.rows(
        "SELECT actor, operator, action, subject, detail FROM registry.audit ORDER BY number DESC LIMIT 1"
    )
    assert audit[0]["actor"].startswith("operator:")
    assert tuple(audit[0])[1:] == (
        MIRA,
        "reservation.cancel",
        f"reservation/{kept['id']}",
        {"car_park": PARK, "reason": "burst pipe"},
    )
    assert await site.miscounted() == []
    again = await site.post(path, {"reason": "burst pipe"}, who=MIRA)
    assert (again.status, again.json["code"]) == (409, "wrong-state")
    assert (await site.post(path.replace(kept["id"][-4:], "0000"), {"reason": "x"}, who=MIRA)).status == 404
    assert (await site.hold(10, 60, who=BEN, vehicle=OTHER_CAR)).status == 201
