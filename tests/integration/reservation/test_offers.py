"""Offers over HTTP: what is found, in which order, and what is not offered."""

from typing import Any

from tests.integration.reservation.asking import HERE, add_park, found, lend, offers, put_policy, take
from tests.integration.reservation.conftest import (
    CAR,
    OTHER_CAR,
    PARK,
    Site,
)


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
