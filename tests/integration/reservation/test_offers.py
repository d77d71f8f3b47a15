"""Offers over HTTP: what is offered can be held, at that price and under those terms, until the offer is over."""

from datetime import timedelta
from typing import Any

from tests.integration.reservation.conftest import (
    BEN,
    CAR,
    OTHER_CAR,
    PARK,
    Answer,
    Site,
    moment,
    park,
)

HERE = "41.7975,123.457"
FAR = {"lat": 41.8065, "lon": 123.457}
"""A thousand metres and one to the north of `HERE`."""


async def offers(site: Site, begins: float = 60, until: float = 120, *, who: str | None = None, **asked: Any) -> Answer:
    where = {} if "car_park" in asked or "near" in asked else {"near": HERE}
    params = {"from": site.at(begins), "until": site.at(until), **where, **asked}
    return await site.get("/v1/offers", params=params, who=who)


async def found(site: Site, begins: float = 60, until: float = 120, **asked: Any) -> list[dict[str, Any]]:
    answer = await offers(site, begins, until, **asked)
    assert answer.status == 200, answer.raw
    items: list[dict[str, Any]] = answer.json["items"]
    return items


async def put_policy(site: Site, car_park: str = PARK, **policy: Any) -> None:
    answer = await site.put(f"/v1/operator/car-parks/{car_park}/reservation-policy", policy)
    assert answer.status == 200, answer.raw


async def add_park(site: Site, name: str, **changes: Any) -> None:
    answer = await site.put(f"/v1/operator/car-parks/{name}", park(**changes))
    assert answer.status == 201, answer.raw


async def lend(site: Site, label: str, *, begins: float = 0, until: float = 600, **changes: Any) -> str:
    """An approved listing of a space of `PARK`, lent once."""
    listing = f"lst_{label.lower()}"
    wanted = {"price": 300, "share": 7000, "notice": 0, "state": "approved", **changes}
    async with site.database.transaction() as tx:
        number = await tx.fetchval("SELECT number FROM registry.space WHERE car_park = $1 AND label = $2", PARK, label)
        await tx.execute(
            """INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, price_per_hour,
               owner_share_bp, notice_s, created_at, decided_at, updated_at)
               VALUES ($1, 'owner', $2, $3, $4, '[]', $5, $6, $7, $8, $8, $8)""",
            listing,
            PARK,
            number,
            wanted["state"],
            wanted["price"],
            wanted["share"],
            wanted["notice"],
            tx.now,
        )
        await tx.execute(
            "INSERT INTO reservation.share_slot (listing, space, during) VALUES ($1, $2, tstzrange($3, $4))",
            listing,
            number,
            tx.now + timedelta(minutes=begins),
            tx.now + timedelta(minutes=until),
        )
    return listing


async def take(site: Site, offer: dict[str, Any], *, vehicle: Any = CAR, who: str = BEN, **beside: Any) -> Answer:
    return await site.post("/v1/reservations", {"offer": offer["offer"], "vehicle": vehicle, **beside}, who=who)


async def test_an_offer_tells_all_that_one_wants_to_know(site: Site) -> None:
    [offer] = await found(site, 60, 150, near="41.8065,123.457")
    assert offer.pop("offer")
    assert offer == {
        "expires_at": "2026-11-23T00:05:00.000Z",
        "car_park": PARK,
        "space": None,
        "listing": None,
        "name": {"zh": "中街停车场", "en": "Zhongjie"},
        "position": {"lat": 41.7975, "lon": 123.457},
        "distance_m": 1001,
        "walk_m": 1301,
        "walk_s": 1084,
        "from": "2026-11-23T01:00:00.000Z",
        "until": "2026-11-23T02:30:00.000Z",
        "price": {"amount": 750, "currency": "CNY"},
        "terms": {
            "earliest_arrival": "2026-11-23T00:45:00.000Z",
            "latest_arrival": "2026-11-23T01:30:00.000Z",
            "leave_by": "2026-11-23T02:45:00.000Z",
            "free_cancellation_until": "2026-11-23T00:45:00.000Z",
            "cancellation_fee": {"amount": 225, "currency": "CNY"},
            "no_show_fee": {"amount": 750, "currency": "CNY"},
            "price_per_hour": {"amount": 500, "currency": "CNY"},
            "overstay_per_hour": {"amount": 1000, "currency": "CNY"},
        },
        "left": 3,
    }


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


async def test_nearest_first_or_cheapest_first_page_by_page(site: Site) -> None:
    for number in range(5):
        await add_park(site, f"a-{number}", position={"lat": 41.7975 + 0.001 * number, "lon": 123.457})
        await put_policy(site, f"a-{number}", price_per_hour=100 * (7 - number))
    expected = {
        "distance": ["a-0", PARK, "a-1", "a-2", "a-3", "a-4"],
        "price": ["a-4", "a-3", PARK, "a-2", "a-1", "a-0"],
    }
    await put_policy(site, PARK, price_per_hour=500)
    for sort, order in expected.items():
        assert [offer["car_park"] for offer in await found(site, sort=sort)] == order
        paged: list[str] = []
        asked: dict[str, Any] = {"sort": sort, "limit": 2}
        while True:
            page = (await offers(site, **asked)).json
            paged += [offer["car_park"] for offer in page["items"]]
            if page["next"] is None:
                break
            asked["cursor"] = page["next"]
        assert paged == order
    near = await found(site, radius_m=250)
    assert [(offer["car_park"], offer["distance_m"]) for offer in near] == [
        ("a-0", 0),
        (PARK, 0),
        ("a-1", 111),
        ("a-2", 222),
    ]


async def test_needs_of_the_vehicle(site: Site) -> None:
    await add_park(site, "high", height_cm=220, features=["ev", "covered"])
    await add_park(site, "low", height_cm=190, features=["ev"])
    assert {offer["car_park"] for offer in await found(site)} == {PARK, "high", "low"}
    assert {offer["car_park"] for offer in await found(site, height_cm=200)} == {"high"}
    assert {offer["car_park"] for offer in await found(site, feature="ev")} == {"high", "low"}
    assert {offer["car_park"] for offer in await found(site, feature=["ev", "covered"])} == {"high"}
    assert await found(site, car_park="low", height_cm=200) == []


async def test_a_shared_space_is_offered_inside_its_window_at_its_price(site: Site) -> None:
    listing = await lend(site, "B1-007", begins=30, until=200, price=301)
    shared = {offer["listing"]: offer for offer in await found(site, 60, 90)}
    offer = shared[listing]
    assert (offer["space"], offer["price"]["amount"], offer["left"]) == ("B1-007", 151, 1)
    for begins, until in ((29, 90), (150, 201)):
        assert [one["listing"] for one in await found(site, begins, until)] == [None]
    held = await take(site, offer)
    assert (held.status, held.json["listing"], held.json["space"]) == (201, listing, "B1-007"), held.raw
    assert [one["listing"] for one in await found(site, 89, 100)] == [None]
    assert listing in [one["listing"] for one in await found(site, 90, 100)]
    # Nothing of it counts against the pool.
    assert [one["left"] for one in await found(site, 60, 90)] == [3]
    assert (await take(site, offer, vehicle=OTHER_CAR)).json["code"] == "no-space-left"


async def test_notice_and_state_of_a_listing(site: Site) -> None:
    await lend(site, "B1-001", notice=3600)
    await lend(site, "B1-002", state="paused")
    assert [one["space"] for one in await found(site, 61, 90, car_park=PARK)] == [None, "B1-001"]
    assert [one["space"] for one in await found(site, 59, 90, car_park=PARK)] == [None]


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


async def test_a_numbered_space_is_offered_when_asked_for(site: Site) -> None:
    [offer] = await found(site, car_park=PARK, space="B1-003")
    assert (offer["space"], offer["listing"], offer["left"], offer["distance_m"]) == ("B1-003", None, 1, None)
    held = await take(site, offer)
    assert (held.status, held.json["space"]) == (201, "B1-003")
    assert await found(site, car_park=PARK, space="B1-003") == []
    assert [one["left"] for one in await found(site)] == [2]
    assert len(await found(site, car_park=PARK, space="B1-004")) == 1


async def test_closed_full_or_not_reservable_is_not_offered(site: Site) -> None:
    await add_park(site, "none", reservable=0)
    await add_park(site, "shut")
    assert {offer["car_park"] for offer in await found(site)} == {PARK, "shut"}
    assert (await site.put("/v1/operator/car-parks/shut/closure", {"closed": True})).status == 200
    assert {offer["car_park"] for offer in await found(site)} == {PARK}
    assert await found(site, car_park="shut") == []


async def test_windows_that_the_policy_refuses_are_not_offered(site: Site) -> None:
    await put_policy(site, stay_s_min=1800, stay_s_max=7200, ahead_s=86_400, late_s=60)
    for begins, until, is_offered in (
        (60, 90, True),
        (60, 89, False),
        (60, 180, True),
        (60, 181, False),
        (24 * 60, 24 * 60 + 60, True),
        (24 * 60 + 1, 24 * 60 + 60, False),
        (-0.5, 60, True),
        (-1, 60, False),  # nobody could arrive in time
    ):
        assert bool(await found(site, begins, until)) == is_offered, (begins, until)
        held = await site.hold(begins, until, vehicle=CAR)
        assert held.status == (201 if is_offered else 409), (begins, until, held.raw)
        if is_offered:
            assert (await site.step(held.json["id"], "cancel")).status == 200


async def test_what_begins_now_is_offered_only_where_sensors_see_room(site: Site) -> None:
    async with site.database.transaction() as tx:
        await tx.execute(
            """INSERT INTO occupancy.car_park_state (car_park, occupied, capacity, source, as_of, state, stale)
               VALUES ($1, 19, 20, 'counts', $2, 'almost_full', false)
               ON CONFLICT (car_park) DO UPDATE SET occupied = 19, capacity = 20, source = 'counts', as_of = $2,
                   state = 'almost_full', stale = false""",
            PARK,
            tx.now,
        )
    assert [offer["left"] for offer in await found(site, 0, 60)] == [1]
    assert [offer["left"] for offer in await found(site, 30, 60)] == [3]
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE occupancy.car_park_state SET occupied = 20")
    assert await found(site, 0, 60) == []
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE occupancy.car_park_state SET stale = true, state = 'unknown'")
    assert [offer["left"] for offer in await found(site, 0, 60)] == [3]


async def test_a_space_in_which_a_car_stands_is_not_offered_for_now(site: Site) -> None:
    await lend(site, "B1-007")
    assert [offer["space"] for offer in await found(site, 0, 60, car_park=PARK)] == [None, "B1-007"]
    async with site.database.transaction() as tx:
        await tx.execute(
            """INSERT INTO occupancy.space_state (space, car_park, state, at, epoch, seq, received_at)
               SELECT number, car_park, 'occupied', $2, '', 1, $2 FROM registry.space
               WHERE car_park = $1 AND label = 'B1-007'
               ON CONFLICT (space) DO UPDATE SET state = 'occupied'""",
            PARK,
            tx.now,
        )
    assert [offer["space"] for offer in await found(site, 0, 60, car_park=PARK)] == [None]
    assert [offer["space"] for offer in await found(site, 10, 60, car_park=PARK)] == [None, "B1-007"]


async def test_a_space_in_which_a_guest_overstays_is_not_offered_for_now(site: Site) -> None:
    await lend(site, "B1-007")
    kept = await site.confirmed(0, 30, space="B1-007")
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE reservation.reservation SET state = 'checked_in', checked_in_at = $1", tx.now)
    site.clock.advance(29 * 60)
    assert [offer["space"] for offer in await found(site, 1, 60, car_park=PARK)] == [None, "B1-007"]
    site.clock.advance(2 * 60)
    assert [offer["space"] for offer in await found(site, 0, 60, car_park=PARK)] == [None]
    assert [offer["space"] for offer in await found(site, 30, 60, car_park=PARK)] == [None, "B1-007"]
    assert kept["space"] == "B1-007"


async def test_positions_in_the_datum_asked_for(site: Site) -> None:
    [offer] = await found(site, near="41.79972,123.46305", datum="gcj02")
    assert offer["position"]["datum"] == "gcj02" and offer["distance_m"] < 50


async def test_bad_questions_are_told_by_parameter(site: Site) -> None:
    for asked, field in (
        ({"near": None}, "near"),
        ({"near": "north"}, "near"),
        ({"near": None, "car_park": PARK, "radius_m": 100}, "radius_m"),
        ({"radius_m": 0}, "radius_m"),
        ({"space": "B1-001"}, "space"),
        ({"until": site.at(60)}, "until"),
        ({"until": site.at(60 * 24 * 31 + 60)}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"from": site.at(-6)}, "from"),
        ({"sort": "beauty"}, "sort"),
        ({"limit": 201}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"height_cm": 0}, "height_cm"),
        ({"colour": "red"}, "colour"),
    ):
        wanted = {"from": site.at(60), "until": site.at(120), "near": HERE, **asked}
        params = {name: value for name, value in wanted.items() if value is not None}
        answer = await site.get("/v1/offers", params=params, who=None)
        assert answer.status == 400, (asked, answer.raw)
        assert [error["field"] for error in answer.json["errors"]] == [field], answer.raw
    assert (await offers(site, car_park="nowhere")).json["code"] == "unknown-car-park"


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
