"""A private space is lent: proposed, approved, booked, overstayed, taken back and revoked, over HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from reservation.lay_slots import lay_slots
from tests.integration.reservation.conftest import BEN, CAR, CITY, MIRA, OTHER_CAR, OTTO, PARK, Answer, Site, moment

OLGA = "olga"  # owns B1-005
LABEL = "B1-005"
DAILY = {
    "rrule": "FREQ=DAILY",
    "from_time": "08:00",
    "until_time": "18:00",
    "starts_on": "2026-11-23",
    "ends_on": None,
}
AHEAD = timedelta(days=60)


def listing(**changes: Any) -> dict[str, Any]:
    """Every day from eight to six; the tests begin on a Monday at eight, car park's time."""
    body = {
        "space": LABEL,
        "windows": [DAILY],
        "price": {"amount": 600, "currency": "CNY"},
        "owner_share_bp": 7_000,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


async def propose(site: Site, *, who: str = OLGA, **changes: Any) -> Answer:
    return await site.post("/v1/listings", listing(**changes), who=who)


async def decide(site: Site, id_: str, verb: str, *, who: str = MIRA) -> Answer:
    return await site.post(f"/v1/operator/listings/{id_}/{verb}", {"reason": "seen the contract"}, who=who)


async def lent(site: Site, **changes: Any) -> str:
    proposed = await propose(site, **changes)
    assert proposed.status == 201, proposed.raw
    approved = await decide(site, proposed.json["id"], "approve")
    assert (approved.status, approved.json["state"]) == (200, "approved"), approved.raw
    return str(proposed.json["id"])


async def calendar(site: Site, id_: str, **query: str) -> Any:
    answer = await site.get(f"/v1/listings/{id_}/calendar", who=OLGA, params=query)
    assert answer.status == 200, answer.raw
    return answer.json


async def guest_inside(site: Site, **changes: Any) -> str:
    """A guest who has come: what arrival does to the row."""
    kept = await site.confirmed(space=LABEL, **changes)
    async with site.database.transaction() as tx:
        await tx.execute(
            """UPDATE reservation.reservation SET state = 'checked_in', checked_in_at = lower(during),
                version = version + 1 WHERE id = $1""",
            kept["id"],
        )
    return str(kept["id"])


async def left(site: Site, reservation: str, *, fee: int) -> None:
    """The guest has gone: what leaving does to the row."""
    async with site.database.transaction() as tx:
        await tx.execute(
            """UPDATE reservation.reservation SET state = 'completed', ended_at = $2, fee = $3,
                overstaying = $2 > upper(during), version = version + 1 WHERE id = $1""",
            reservation,
            tx.now,
            fee,
        )


async def test_a_proposal_is_offered_once_it_is_approved(site: Site) -> None:
    proposed = await propose(site, proof="contract 17")
    assert (proposed.status, proposed.json["state"]) == (201, "proposed"), proposed.raw
    path = f"/v1/listings/{proposed.json['id']}"
    assert proposed.headers["Location"] == path
    assert (await site.get(path, who=OLGA)).json == proposed.json
    assert (await site.get(path, who=BEN)).status == 404
    assert [one["id"] for one in (await site.get("/v1/listings", who=OLGA)).json["items"]] == [proposed.json["id"]]
    assert (await site.get("/v1/listings", who=BEN)).json["items"] == []

    # Until then it is a space like any other of the pool; seen by its operator and no other.
    assert (await calendar(site, proposed.json["id"]))["free"] == []
    waiting = await site.get("/v1/operator/listings", params={"state": "proposed"}, who=MIRA)
    assert [(one["owner"], one["proof"]) for one in waiting.json["items"]] == [(OLGA, "contract 17")]
    assert (await site.get("/v1/operator/listings", who=OTTO)).json["items"] == []
    assert (await site.get(f"/v1/operator{path.removeprefix('/v1')}", who=OTTO)).status == 404
    assert (await decide(site, proposed.json["id"], "approve", who=OTTO)).status == 404
    approved = await decide(site, proposed.json["id"], "approve")
    assert (approved.status, approved.json["state"]) == (200, "approved"), approved.raw
    assert (await decide(site, proposed.json["id"], "refuse")).json["code"] == "wrong-state"
    [trail] = await site.rows("SELECT operator, detail FROM registry.audit WHERE action = 'listing.approve'")
    assert (trail["operator"], trail["detail"]["owner"]) == (MIRA, OLGA)

    offers = (await site.get("/v1/offers", params={"car_park": PARK, "from": site.at(60), "until": site.at(120)})).json
    shared = [one for one in offers["items"] if one["listing"] == proposed.json["id"]]
    assert [(one["space"], one["price"]["amount"]) for one in shared] == [(LABEL, 600)]
    kept = await site.confirmed(space=LABEL)
    assert (kept["listing"], kept["price"]["amount"]) == (proposed.json["id"], 600)
    assert await site.rows("SELECT * FROM reservation.pool_day") == [], "it takes nothing of the pool"
    outside = await site.hold(9 * 60, 11 * 60, space=LABEL, vehicle=OTHER_CAR)
    assert (outside.status, outside.json["code"]) == (409, "not-shared"), outside.raw


async def test_the_owners_calendar_shows_promises_and_what_is_left(site: Site) -> None:
    id_ = await lent(site)
    kept = await site.confirmed(60, 120, space=LABEL)
    await site.hold(180, 240, space=LABEL, vehicle=OTHER_CAR, who=BEN)
    site.clock.advance(301)  # the hold runs out
    shown = await calendar(site, id_, **{"from": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"})
    [guest] = shown["promises"]
    assert (guest["reservation"], guest["state"], guest["plate"]) == (kept["id"], "confirmed", "辽A···45")
    assert "driver" not in guest
    day = "2026-11-23T"
    assert shown["windows"] == [{"from": f"{day}00:00:00.000Z", "until": f"{day}10:00:00.000Z"}]
    assert shown["free"] == [
        {"from": f"{day}00:00:00.000Z", "until": f"{day}01:00:00.000Z"},
        {"from": f"{day}02:00:00.000Z", "until": f"{day}10:00:00.000Z"},
    ]
    too_long = await site.get(f"/v1/listings/{id_}/calendar", who=OLGA, params={"until": "2027-11-23T00:00:00Z"})
    assert too_long.status == 400


async def test_an_owner_who_comes_home_early_sees_what_stands_in_the_way(site: Site) -> None:
    id_ = await lent(site)
    kept = await site.confirmed(60, 120, space=LABEL)
    path = f"/v1/listings/{id_}/take-back"
    refused = await site.post(path, {"from": site.at(90), "until": site.at(300)}, who=OLGA)
    assert (refused.status, refused.json["code"]) == (409, "promises-in-the-way"), refused.raw
    assert refused.json["reservations"] == [kept["id"]]
    assert [moment(one["from"]) for one in refused.json["free"]] == [moment(kept["until"])]
    assert len((await calendar(site, id_))["windows"]) == 14, "nothing has changed"

    taken = await site.post(path, {"from": site.at(120), "until": site.at(300)}, who=OLGA)
    assert (taken.status, len(taken.json["exceptions"])) == (200, 1), taken.raw
    assert (await site.hold(130, 150, space=LABEL, vehicle=OTHER_CAR)).json["code"] == "not-shared"
    assert (await site.hold(300, 330, space=LABEL, vehicle=OTHER_CAR)).status == 201

    anyhow = await site.post(path, {"from": site.at(30), "until": site.at(120), "keep_promises": True}, who=OLGA)
    assert anyhow.status == 200, anyhow.raw
    assert (await site.get(f"/v1/reservations/{kept['id']}")).json["state"] == "confirmed"
    assert (await site.hold(30, 60, space=LABEL, vehicle=OTHER_CAR)).json["code"] == "not-shared"
    assert (await site.post(path, {"from": site.at(-60), "until": site.at(-30)}, who=OLGA)).status == 422


async def test_an_overstayer_is_told_to_the_owner_and_paid_for(site: Site) -> None:
    id_ = await lent(site)
    stay = await guest_inside(site)
    site.clock.advance(150 * 60)  # half an hour over, beyond the grace
    [guest] = (await calendar(site, id_))["promises"]
    assert (guest["reservation"], guest["overstaying"]) == (stay, True)
    assert guest["overstay_fee"]["amount"] == 500, "half an hour at the policy's ten yuan"
    path = f"/v1/listings/{id_}/take-back"
    refused = await site.post(path, {"from": site.at(10), "until": site.at(60)}, who=OLGA)
    assert (refused.status, refused.json["promises"][0]["overstaying"]) == (409, True), refused.raw

    await left(site, stay, fee=500)
    held = (await site.get(f"/v1/listings/{id_}/earnings", who=OLGA)).json
    assert (held["month"], held["held"]["promises"], held["available"]["promises"]) == ("2026-11", 1, 0)
    [item] = held["items"]
    assert (item["price"]["amount"], item["fee"]["amount"], item["standing"]) == (600, 500, "held")
    parts = [item[part]["amount"] for part in ("owner", "operator", "platform")]
    assert parts == [770, 275, 55]
    assert moment(item["available_at"]) - moment(item["ended_at"]) == timedelta(hours=48)
    site.clock.advance(48 * 3600)
    later = (await site.get(f"/v1/listings/{id_}/earnings", who=OLGA, params={"month": "2026-11"})).json
    assert (later["available"]["owner"]["amount"], later["held"]["promises"]) == (770, 0)
    other = (await site.get(f"/v1/listings/{id_}/earnings", who=OLGA, params={"month": "2026-12"})).json
    assert other["items"] == []
    assert (await site.get(f"/v1/listings/{id_}/earnings", who=BEN)).status == 404


async def test_a_changed_listing_keeps_promises_and_their_price(site: Site) -> None:
    id_ = await lent(site)
    kept = await site.confirmed(60, 120, space=LABEL)
    path = f"/v1/listings/{id_}"
    mornings = DAILY | {"until_time": "09:00"}
    changed = await site.ask(
        "PATCH", path, json={"windows": [mornings], "price": {"amount": 900}, "version": 2}, who=OLGA
    )
    assert (changed.status, changed.json["version"], changed.json["price"]["amount"]) == (200, 3, 900), changed.raw
    assert (await site.get(f"/v1/reservations/{kept['id']}")).json == kept
    assert (await site.hold(180, 240, space=LABEL, vehicle=OTHER_CAR)).json["code"] == "not-shared"
    extended = await site.step(kept["id"], "extend", {"until": site.at(180)})
    assert (extended.status, extended.json["code"]) == (409, "not-shared")
    stale = await site.ask("PATCH", path, json={"notice_s": 60, "version": 2}, who=OLGA)
    assert (stale.status, stale.json["code"]) == (409, "wrong-state"), stale.raw
    more = await site.ask("PATCH", path, json={"owner_share_bp": 7_001}, who=OLGA)
    assert (more.status, more.json["code"]) == (409, "needs-approval")
    assert (await site.ask("PATCH", path, json={"owner_share_bp": 6_000}, who=OLGA)).status == 200
    assert (await site.ask("PATCH", path, json={"notice_s": 60}, who=BEN)).status == 404
    assert (await site.ask("PATCH", path, json={"version": 4}, who=OLGA)).status == 422


async def test_a_paused_listing_offers_nothing_until_it_goes_on(site: Site) -> None:
    id_ = await lent(site)
    path = f"/v1/listings/{id_}"
    assert (await site.ask("PATCH", path, json={"paused": True}, who=OLGA)).json["state"] == "paused"
    assert (await site.hold(space=LABEL)).json["code"] == "not-shared"
    assert (await site.ask("PATCH", path, json={"paused": False}, who=OLGA)).json["state"] == "approved"
    assert (await site.hold(space=LABEL)).status == 201


async def test_a_revoked_listing_keeps_its_promises_and_its_space_stays_private(site: Site) -> None:
    before = await site.hold(600, 660, space=LABEL, vehicle=OTHER_CAR, who=BEN)  # remembered as one of the pool
    assert before.status == 201
    await site.step(before.json["id"], "cancel", who=BEN)
    id_ = await lent(site)
    kept = await site.confirmed(60, 120, space=LABEL)
    assert (await site.ask("DELETE", f"/v1/listings/{id_}", who=BEN)).status == 404
    assert (await site.ask("DELETE", f"/v1/listings/{id_}", who=OLGA)).status == 204
    assert (await site.ask("DELETE", f"/v1/listings/{id_}", who=OLGA)).status == 204, "once more is no error"
    shown = await calendar(site, id_)
    assert (shown["state"], shown["windows"]) == ("revoked", [])
    assert [one["reservation"] for one in shown["promises"]] == [kept["id"]]
    private = await site.hold(200, 240, space=LABEL, vehicle=OTHER_CAR)
    assert (private.status, private.json["code"]) == (409, "not-shared"), private.raw
    assert (await site.ask("PATCH", f"/v1/listings/{id_}", json={"paused": True}, who=OLGA)).status == 409

    released = await decide(site, id_, "release")
    assert (released.status, bool(released.json["released_at"])) == (200, True), released.raw
    assert (await decide(site, id_, "release")).json["code"] == "wrong-state"
    assert (await site.hold(200, 240, space=LABEL, vehicle=OTHER_CAR)).status == 201
    assert await site.miscounted() == []


async def test_a_space_that_is_lent_anew_within_the_hour_is_offered_at_once(site: Site) -> None:
    first = await lent(site, windows=[{**DAILY, "until_time": "10:00"}])
    site.clock.advance(2 * 3600 + 900)
    assert (await site.ask("DELETE", f"/v1/listings/{first}", who=OLGA)).status == 204
    site.clock.advance(900)
    await lent(site, windows=[{**DAILY, "from_time": "00:00", "until_time": "24:00"}])
    assert (await site.hold(60, 120, space=LABEL)).status == 201


async def test_one_space_is_lent_by_one_owner(site: Site) -> None:
    first = await propose(site)
    twice = await propose(site)
    assert (twice.status, twice.json["code"]) == (409, "already-listed"), twice.raw
    second = await propose(site, who=BEN)
    assert second.status == 201
    assert (await decide(site, first.json["id"], "approve")).status == 200
    conflict = await decide(site, second.json["id"], "approve")
    assert (conflict.status, conflict.json["code"]) == (409, "already-listed"), conflict.raw
    assert (await propose(site, who="eve")).json["code"] == "already-listed"
    refused = await decide(site, second.json["id"], "refuse")
    assert refused.json["decision_reason"] == "seen the contract"
    assert (await site.get(f"/v1/listings/{second.json['id']}", who=BEN)).json["state"] == "refused"
    assert (await decide(site, first.json["id"], "revoke")).json["state"] == "revoked"
    assert (await propose(site, who=BEN)).status == 201


async def test_an_operator_approves_what_was_read(site: Site) -> None:
    proposed = (await propose(site)).json
    more = await site.ask("PATCH", f"/v1/listings/{proposed['id']}", json={"owner_share_bp": 9_000}, who=OLGA)
    assert (more.status, more.json["version"]) == (200, 2), "nothing is agreed yet"
    path = f"/v1/operator/listings/{proposed['id']}/approve"
    stale = await site.post(path, {"version": proposed["version"]}, who=MIRA)
    assert (stale.status, stale.json["code"], stale.json["version"]) == (409, "wrong-state", 2), stale.raw
    assert (await site.post(path, {"version": 2}, who=MIRA)).json["owner_share_bp"] == 9_000


async def test_a_space_that_the_pool_needs_is_not_lent(site: Site) -> None:
    body = {
        "operator": MIRA,
        "name": {"zh": "小", "en": "Small"},
        "position": {"lat": 41.8, "lon": 123.4},
        "capacity": 3,
        "reservable": 2,
        "spaces": [{"space": "P-1"}, {"space": "P-2"}],
    }
    assert (await site.put("/v1/operator/car-parks/small", body)).status == 201
    first, second = [(await propose(site, space=label)).json["id"] for label in ("P-1", "small/P-2")]
    assert (await decide(site, first, "approve", who=CITY)).status == 200
    refused = await decide(site, second, "approve")
    assert (refused.status, refused.json["code"]) == (409, "pool-needs-space"), refused.raw
    # The operator cannot promise the private space with the pool's either.
    assert (await site.put("/v1/operator/car-parks/small", body | {"reservable": 3})).status == 200
    cars = [{"plate": f"辽A0000{number}", "color": "blue"} for number in range(3)]
    asked = [await site.hold(car_park="small", vehicle=car) for car in cars]
    assert [answer.status for answer in asked] == [201, 201, 409]

    # A second owner after the first: still one private space, until nobody's listing says so.
    assert await private_spaces(site) == ["P-1"]
    await decide(site, first, "revoke", who=CITY)
    again = (await propose(site, who=BEN, space="P-1")).json["id"]
    await site.put("/v1/operator/car-parks/small", body)
    assert (await decide(site, again, "approve")).status == 200
    assert await private_spaces(site) == ["P-1"]
    await decide(site, again, "revoke")
    await decide(site, again, "release")
    assert await private_spaces(site) == []


async def private_spaces(site: Site) -> list[str]:
    rows = await site.rows(
        """SELECT space.label FROM reservation.private_space AS private
           JOIN registry.space_directory AS space ON space.number = private.space"""
    )
    return [row["label"] for row in rows]


async def test_windows_follow_local_time_exceptions_and_midnight(site: Site) -> None:
    nights = DAILY | {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU", "from_time": "20:00", "until_time": "07:00"}
    id_ = await lent(site, windows=[nights], exceptions=["2026-12-01", {"from": site.at(0), "until": site.at(60)}])
    shown = await calendar(site, id_, until="2026-12-05T00:00:00Z")
    assert [(one["from"][:16], one["until"][:16]) for one in shown["windows"]] == [
        ("2026-11-23T12:00", "2026-11-23T23:00"),
        ("2026-11-24T12:00", "2026-11-24T23:00"),
        ("2026-11-30T12:00", "2026-11-30T16:00"),
        ("2026-12-01T16:00", "2026-12-01T23:00"),
    ]
    assert (await site.get(f"/v1/listings/{id_}", who=OLGA)).json["exceptions"][0] == "2026-12-01"


async def test_slots_are_laid_out_further_every_day(site: Site) -> None:
    always = DAILY | {"from_time": "00:00", "until_time": "24:00"}
    id_ = await lent(site, windows=[always])
    assert await lay_slots(site.database, ahead=AHEAD) == 0
    [slot] = await site.rows("SELECT lower(during) AS begins, upper(during) AS until FROM reservation.share_slot")
    assert slot["until"] - site.clock.now() == AHEAD + timedelta(days=1)
    site.clock.advance(2 * 86_400)
    assert await lay_slots(site.database, ahead=AHEAD) == 1
    assert await lay_slots(site.database, ahead=AHEAD) == 0
    [longer] = await site.rows("SELECT lower(during) AS begins, upper(during) AS until FROM reservation.share_slot")
    assert (longer["begins"], longer["until"] - slot["until"]) == (slot["begins"], timedelta(days=2))
    laid = (await site.get(f"/v1/listings/{id_}", who=OLGA)).json["laid_until"]
    assert moment(laid) == longer["until"]


async def test_a_car_park_in_another_time_zone_has_its_slots_laid_out_anew(site: Site) -> None:
    await lent(site)
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE registry.car_park SET time_zone = 'Europe/London' WHERE id = $1", PARK)
    assert await lay_slots(site.database, ahead=AHEAD) == 1
    rows = await site.rows(
        "SELECT DISTINCT (lower(during) AT TIME ZONE 'UTC')::time::text AS at FROM reservation.share_slot"
    )
    assert [row["at"] for row in rows] == ["08:00:00"]


async def test_laid_out_in_days_is_laid_out_at_once(site: Site) -> None:
    windows = [DAILY, DAILY | {"rrule": "FREQ=MONTHLY;BYMONTHDAY=-1", "from_time": "17:00", "until_time": "03:00"}]
    one, other = await lent(site, windows=windows), await lent(site, windows=windows, space="B1-006")
    for _ in range(5):
        site.clock.advance(86_400 + 3_600)
        await lay_slots(site.database, ahead=AHEAD)
    paused = {"paused": True}
    await site.ask("PATCH", f"/v1/listings/{other}", json=paused, who=OLGA)
    await site.ask("PATCH", f"/v1/listings/{other}", json={"paused": False}, who=OLGA)
    spans = """SELECT during FROM reservation.share_slot WHERE listing = $1 AND lower(during) > $2
               AND upper(during) < (SELECT min(laid_until) FROM reservation.listing) ORDER BY during"""
    went_on = await site.rows(spans, one, site.clock.now())
    assert len(went_on) > 50
    assert went_on == await site.rows(spans, other, site.clock.now())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"windows": [DAILY | {"rrule": "FREQ=SECONDLY"}]}, "windows.0.rrule"),
        ({"windows": [DAILY | {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}]}, "windows.0.rrule"),
        ({"windows": [DAILY | {"from_time": "25:00"}]}, "windows.0.from_time"),
        ({"windows": [DAILY | {"until_time": "08:00"}]}, "windows.0"),
        ({"windows": [DAILY | {"ends_on": "2026-11-22"}]}, "windows.0.rrule"),
        ({"windows": []}, "windows"),
        ({"windows": [DAILY] * 21}, "windows"),
        ({"price": {"amount": -1}}, "price.amount"),
        ({"price": {"amount": 100, "currency": "EUR"}}, "price.currency"),
        ({"owner_share_bp": 10_001}, "owner_share_bp"),
        ({"space": "elsewhere/P-1", "car_park": PARK}, "space"),
    ],
)
async def test_what_is_refused_names_its_field(site: Site, changes: dict[str, Any], field: str) -> None:
    refused = await propose(site, **changes)
    assert refused.status == 422, refused.raw
    assert field in [error["field"] for error in refused.json["errors"]]


async def test_unknown_spaces_and_repeated_requests(site: Site) -> None:
    unknown = await propose(site, space="B9-999")
    assert (unknown.status, unknown.json["code"]) == (404, "unknown-space")
    first = await site.post("/v1/listings", listing(), who=OLGA, key="once")
    again = await site.post("/v1/listings", listing(), who=OLGA, key="once")
    assert (first.status, again.raw) == (201, first.raw)
    assert (await site.ask("POST", "/v1/listings", json=listing(), who=OLGA)).status == 400
    assert (await site.ask("POST", "/v1/listings", json=listing(), who=None)).status == 401
    assert CAR["plate"] not in first.raw.decode()


async def test_a_hold_and_the_owners_return_at_once_never_both_succeed(site: Site) -> None:
    id_ = await lent(site)
    for number in range(8):
        begins = 10 + number * 60
        held, taken = await asyncio.gather(
            site.hold(begins, begins + 30, space=LABEL, vehicle={"plate": f"辽A0000{number}", "color": "blue"}),
            site.post(
                f"/v1/listings/{id_}/take-back", {"from": site.at(begins), "until": site.at(begins + 30)}, who=OLGA
            ),
        )
        assert {held.status, taken.status} in ({201, 409}, {200, 409}), (held.raw, taken.raw)
