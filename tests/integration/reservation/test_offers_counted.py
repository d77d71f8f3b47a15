"""What `/v1/offers` finds in one statement is what counting minute by minute over every promise finds."""

import math
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest
from msgspec import Struct

from contracts.near import distance_m
from kernel.db import Row
from reservation.policy import Policy
from tests.integration.reservation.asking import lend
from tests.integration.reservation.conftest import PARK, Site, park

CENTRE = (41.80, 123.45)
PARKS = 9
HOLDS = 100
QUESTIONS = 100
MINUTE = timedelta(minutes=1)


class Told(NamedTuple):
    """What of an offer is compared, in the order of the list."""

    car_park: str
    space: str | None
    listing: str | None
    distance_m: int | None
    price: int
    left: int


class Question(Struct, frozen=True, kw_only=True):
    """One search; times in seconds from now."""

    begins_s: int
    until_s: int
    near: tuple[float, float] | None
    radius_m: int | None
    car_park: str | None
    height_cm: int | None
    feature: list[str]
    sort: str
    limit: int


class World(Struct, frozen=True):
    """Every row that decides what is offered."""

    parks: list[Row]
    spaces: list[Row]
    listings: list[Row]
    slots: list[Row]
    promises: list[Row]


@pytest.mark.parametrize("seed", range(4))
async def test_every_search_equals_the_count(site: Site, seed: int) -> None:
    random = Random(seed)
    await build(site, random)
    world = await read(site)
    offered = 0
    for _ in range(QUESTIONS):
        question = ask(random)
        told = await answer(site, question)
        assert told == expected(world, question, site.clock.now()), (seed, question)
        offered += len(told)
    assert offered > QUESTIONS / 2, "the world is so full or so empty that nothing is compared"
    assert await site.miscounted() == []


async def build(site: Site, random: Random) -> None:
    """Car parks near each other, some of them with policies; spaces lent for some hours; promises in all states."""
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", body(random))).status == 200
    for number in range(PARKS):
        wanted = body(random)
        assert (await site.put(f"/v1/operator/car-parks/p{number}", wanted)).status == 201
        if random.random() < 0.1:
            await site.put(f"/v1/operator/car-parks/p{number}/closure", {"closed": True})
    names = [PARK, *(f"p{number}" for number in range(PARKS))]
    for name in random.sample(names, 5):
        answer = await site.put(f"/v1/operator/car-parks/{name}/reservation-policy", policy(random))
        assert answer.status == 200, answer.raw
    for number in range(1, 8):
        begins = random.randrange(0, 600)
        await lend(
            site,
            f"B1-{number:03}",
            begins=begins,
            until=begins + random.randrange(60, 900),
            price=random.choice((0, 100, 333, 700)),
            notice=random.choice((0, 0, 3600)),
            state=random.choice(("approved", "approved", "approved", "paused")),
        )
    answers: Counter[int] = Counter()
    for number in range(HOLDS):
        begins_s = random.randrange(0, 16 * 3600)
        where: dict[str, Any] = {"car_park": random.choice(names)}
        if random.random() < 0.4:
            where = {"car_park": random.choice((PARK, PARK, *names)), "space": f"B1-{random.randrange(1, 11):03}"}
        held = await site.hold(
            begins_s / 60,
            (begins_s + random.randrange(600, 4 * 3600)) / 60,
            vehicle={"plate": f"辽A{number:05}", "color": "blue"},
            **where,
        )
        answers[held.status] += 1
        if held.status == 201 and random.random() < 0.5:
            await site.step(held.json["id"], random.choice(("confirm", "cancel")))
    assert answers[201] > HOLDS / 5 and set(answers) == {201, 409}, answers


def body(random: Random) -> dict[str, Any]:
    return park(
        position={"lat": CENTRE[0] + random.uniform(-0.02, 0.02), "lon": CENTRE[1] + random.uniform(-0.02, 0.02)},
        capacity=10,
        reservable=random.choice((0, 1, 2, 3, 4, 5)),
        height_cm=random.choice((None, 190, 210)),
        features=random.choice(([], ["ev"], ["ev", "covered"])),
        spaces=[{"space": f"B1-{number:03}", "features": random.choice(([], ["ev"]))} for number in range(1, 11)],
    )


def policy(random: Random) -> dict[str, int]:
    wishes = {
        "price_per_hour": random.choice((0, 199, 500, 1_000)),
        "notice_s": random.choice((0, 1800)),
        "stay_s_min": random.choice((300, 3600)),
        "stay_s_max": random.choice((7200, 86_400)),
        "ahead_s": random.choice((8 * 3600, 86_400)),
    }
    return {name: value for name, value in wishes.items() if random.random() < 0.4}


def ask(random: Random) -> Question:
    begins_s = random.choice((random.randrange(600, 18 * 3600), random.randrange(600, 18 * 3600) // 3600 * 3600))
    near = (CENTRE[0] + random.uniform(-0.02, 0.02), CENTRE[1] + random.uniform(-0.02, 0.02))
    is_near = random.random() < 0.8
    return Question(
        begins_s=begins_s,
        until_s=begins_s + random.choice((random.randrange(300, 5 * 3600), 3600)),
        near=near if is_near else None,
        radius_m=random.choice((500, 1500, None)) if is_near else None,
        car_park=None if is_near and random.random() < 0.8 else random.choice((PARK, "p0")),
        height_cm=random.choice((None, None, None, 200)),
        feature=random.choice(([], [], [], ["ev"], ["covered", "ev"])),
        sort=random.choice(("distance", "price")),
        limit=random.choice((1, 3, 200)),
    )


async def answer(site: Site, question: Question) -> list[Told]:
    """Every page of it."""
    params: dict[str, Any] = {
        "from": site.at(question.begins_s / 60),
        "until": site.at(question.until_s / 60),
        "near": None if question.near is None else ",".join(map(str, question.near)),
        "radius_m": question.radius_m,
        "car_park": question.car_park,
        "height_cm": question.height_cm,
        "feature": question.feature,
        "sort": question.sort,
        "limit": question.limit,
    }
    params = {name: value for name, value in params.items() if value is not None}
    told: list[Told] = []
    while True:
        answered = await site.get("/v1/offers", params=params, who=None)
        assert answered.status == 200, answered.raw
        page = answered.json
        assert len(page["items"]) <= question.limit
        told += [
            Told(one["car_park"], one["space"], one["listing"], one["distance_m"], one["price"]["amount"], one["left"])
            for one in page["items"]
        ]
        if page["next"] is None:
            return told
        params["cursor"] = page["next"]


async def read(site: Site) -> World:
    return World(
        await site.rows(
            "SELECT card.*, policy FROM registry.car_park_card AS card LEFT JOIN reservation.policy ON car_park = id"
        ),
        await site.rows("SELECT * FROM registry.space_directory"),
        await site.rows("SELECT * FROM reservation.listing"),
        await site.rows("SELECT listing, lower(during) AS begins, upper(during) AS until FROM reservation.share_slot"),
        await site.rows(
            """SELECT car_park, space, listing, lower(occupies) AS begins, upper(occupies) AS until
               FROM reservation.reservation WHERE state IN ('held', 'confirmed', 'checked_in')"""
        ),
    )


def expected(world: World, question: Question, now: datetime) -> list[Told]:
    """By looking at every promise in every minute."""
    begins, until = now + timedelta(seconds=question.begins_s), now + timedelta(seconds=question.until_s)
    found: list[tuple[tuple[int, int, str, int], Told]] = []
    for row in world.parks:
        metres = None if question.near is None else distance_m(question.near, (row["lat"], row["lon"]))
        radius = question.radius_m or (5_000 if question.car_park is None else math.inf)
        if (metres is not None and metres > radius) or row["closed"]:
            continue
        if question.car_park not in (None, row["id"]) or (question.height_cm and not fits(row, question.height_cm)):
            continue
        rules = Policy.model_validate(row["policy"] or {})
        stay_s = question.until_s - question.begins_s
        if (
            not rules.stay_s_min <= stay_s <= rules.stay_s_max
            or not rules.notice_s <= question.begins_s <= rules.ahead_s
        ):
            continue
        places = lent(world, row, question, begins, until)
        if row["reservable"] > 0 and set(question.feature) <= set(row["features"]):
            places.append((0, None, None, rules.price_per_hour, room(world, row, begins, until)))
        for number, label, listing, per_hour, left in places:
            if left > 0:
                price = math.ceil(per_hour * math.ceil(stay_s / 60) / 60)
                rank = per_hour if question.sort == "price" else 0
                key = (rank, metres or 0, row["id"], number)
                found.append((key, Told(row["id"], label, listing, metres, price, left)))
    return [told for _, told in sorted(found)]


def fits(row: Row, height_cm: int) -> bool:
    return row["height_cm"] is not None and row["height_cm"] >= height_cm


def room(world: World, row: Row, begins: datetime, until: datetime) -> int:
    """How many more the pool takes in its fullest minute; private spaces are not of it."""
    private = {listing["space"] for listing in world.listings if listing["car_park"] == row["id"]}
    minute, fullest = begins.replace(second=0, microsecond=0), 0
    while minute < until:
        taken = sum(
            one["car_park"] == row["id"]
            and one["listing"] is None
            and one["begins"] < minute + MINUTE
            and one["until"] > minute
            for one in world.promises
        )
        fullest, minute = max(fullest, taken), minute + MINUTE
    return min(int(row["reservable"]), int(row["capacity"]) - len(private)) - fullest


def lent(
    world: World, row: Row, question: Question, begins: datetime, until: datetime
) -> list[tuple[int, str | None, str | None, int, int]]:
    known = {one["number"]: one for one in world.spaces}
    found: list[tuple[int, str | None, str | None, int, int]] = []
    for listing in world.listings:
        space = known[listing["space"]]
        slots = [slot for slot in world.slots if slot["listing"] == listing["id"]]
        promises = [one for one in world.promises if one["space"] == listing["space"]]
        if (
            listing["car_park"] == row["id"]
            and listing["state"] == "approved"
            and listing["notice_s"] <= question.begins_s
            and set(question.feature) <= set(space["features"])
            and any(slot["begins"] <= begins and until <= slot["until"] for slot in slots)
            and not any(one["begins"] < until and one["until"] > begins for one in promises)
        ):
            found.append((listing["space"], space["label"], listing["id"], listing["price_per_hour"], 1))
    return found
