"""What the clock does to promises, and to whoever waits for them: the clock is moved, nobody waits."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from kernel.db import Database
from reservation import lapse
from reservation.lapse import lapse_all
from reservation.promote import promote_all
from reservation.time_meters import TimeMeters
from tests.conftest import Eventually
from tests.integration.reservation.arrivals import Lanes
from tests.integration.reservation.conftest import ANN, BEN, CAR, CITY, OTHER_CAR, PARK, Site, park

EVENTS = "SELECT kind, detail FROM reservation.event WHERE reservation = $1 ORDER BY number"
STATES = "SELECT state, count(*) FROM reservation.reservation GROUP BY state"


async def sweep(database: Database, meters: TimeMeters) -> None:
    """A turn of the worker's loops."""
    await lapse_all(database, meters)
    await promote_all(database, meters)


@pytest.fixture
def meters() -> TimeMeters:
    return TimeMeters(CollectorRegistry())


def car(number: int) -> dict[str, str]:
    """One of many."""
    return {"plate": f"辽A{number:05}", "color": "blue"}


async def kinds(site: Site, reservation: str) -> list[str]:
    return [row["kind"] for row in await site.rows(EVENTS, reservation)]


async def states(site: Site) -> dict[str, int]:
    return {row["state"]: row["count"] for row in await site.rows(STATES)}


async def one(site: Site, reservation: str, *, who: str = ANN) -> Any:
    return (await site.get(f"/v1/reservations/{reservation}", who=who)).json


async def wait_for(site: Site, begins: float = 60, until: float = 120, *, who: str = BEN, **changes: Any) -> Any:
    """A place in the line, as its driver sees it."""
    body = site.wanted(begins, until, **{"vehicle": OTHER_CAR, **changes})
    answer = await site.post("/v1/waitlist", body, who=who)
    assert answer.status == 201, answer.raw
    return answer.json


async def seen(site: Site, wait: Any, *, who: str = BEN) -> Any:
    answer = await site.get(f"/v1/waitlist/{wait['id']}", who=who)
    assert answer.status == 200, answer.raw
    return answer.json


async def small(site: Site, reservable: int = 1) -> None:
    """The car park promises so few."""
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=reservable))).status == 200


async def check_in(site: Site, reservation: str) -> None:
    """As an arrival leaves it."""
    async with site.database.transaction() as tx:
        await tx.execute(
            "UPDATE reservation.reservation SET state = 'checked_in', checked_in_at = $2, version = version + 1"
            " WHERE id = $1",
            reservation,
            tx.now,
        )


async def test_a_hold_expires_and_a_promise_becomes_a_no_show_with_its_fee(site: Site, meters: TimeMeters) -> None:
    held = (await site.hold()).json
    kept = await site.confirmed(vehicle=OTHER_CAR, who=BEN)
    site.clock.advance(299)
    await sweep(site.database, meters)
    assert await states(site) == {"held": 1, "confirmed": 1}
    site.clock.advance(1)
    await sweep(site.database, meters)
    assert await states(site) == {"expired": 1, "confirmed": 1}
    assert await kinds(site, held["id"]) == ["held", "expired"]
    assert (await one(site, held["id"]))["ended_at"] == site.clock.now().isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    site.clock.advance(90 * 60 - 300)  # the latest arrival itself is still in time
    await sweep(site.database, meters)
    assert await states(site) == {"expired": 1, "confirmed": 1}
    site.clock.advance(1)
    await sweep(site.database, meters)
    assert await kinds(site, kept["id"]) == ["held", "confirmed", "no_show"]
    over = await one(site, kept["id"], who=BEN)
    assert (over["state"], over["fee"]["amount"]) == ("no_show", 500)
    assert await site.miscounted() == []


async def test_who_stays_is_marked_once_and_not_evicted(site: Site, meters: TimeMeters) -> None:
    kept = await site.confirmed(1, 60)
    await check_in(site, kept["id"])
    site.clock.advance(3600)
    for _ in range(2):
        await sweep(site.database, meters)
    assert (await kinds(site, kept["id"]))[2:] == ["overstaying"]
    inside = await one(site, kept["id"])
    assert (inside["state"], inside["overstaying"], inside["fee"]["amount"]) == ("checked_in", True, 0)


async def test_what_ran_out_blocks_nobody_before_any_sweep(site: Site) -> None:
    """The pool, a numbered space and the vehicle itself; a hold as well as a promise that nobody came for."""
    await small(site)
    gone = (await site.hold()).json
    assert (await site.hold(vehicle=OTHER_CAR, who=BEN)).json["code"] == "no-space-left"
    site.clock.advance(300)
    mine = await site.hold(55, 115, vehicle=OTHER_CAR, who=BEN)
    assert mine.status == 201, mine.raw
    assert await kinds(site, gone["id"]) == ["held", "expired"]
    await small(site, 3)
    numbered = (await site.hold(200, 300, space="B1-001")).json
    site.clock.advance(300)
    assert (await site.hold(195, 295, space="B1-001", vehicle=OTHER_CAR, who=BEN)).status == 201
    assert await kinds(site, numbered["id"]) == ["held", "expired"]
    await site.hold(400, 500)
    site.clock.advance(300)
    assert (await site.hold(420, 480)).status == 201  # the same vehicle
    kept = await site.confirmed(1000, 1100, space="B1-002")
    site.clock.advance(1030 * 60 + 1)
    again = await site.hold(1, 60, space="B1-002", vehicle=OTHER_CAR, who=BEN)
    assert again.status == 201, again.raw
    assert await kinds(site, kept["id"]) == ["held", "confirmed", "no_show"]
    assert await site.miscounted() == []


async def test_what_ran_out_is_not_in_the_way_of_an_extension(site: Site) -> None:
    kept = await site.confirmed(60, 120, space="B1-001")
    await site.hold(120, 180, space="B1-001", vehicle=OTHER_CAR, who=BEN)
    until = {"until": site.at(180)}
    assert (await site.step(kept["id"], "extend", until)).json["code"] == "no-space-left"
    site.clock.advance(300)
    assert (await site.step(kept["id"], "extend", until)).status == 200
    assert await site.miscounted() == []


async def test_two_sweeps_at_once_end_everything_once(
    site: Site, meters: TimeMeters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lapse, "PART_ROWS", 7)
    await small(site, 20)
    held = [(await site.hold(60 + number, 200, vehicle=car(number))).json["id"] for number in range(20)]
    site.clock.advance(300)
    await asyncio.gather(lapse_all(site.database, meters), lapse_all(site.database, meters))
    assert await states(site) == {"expired": 20}
    for reservation in held:
        assert await kinds(site, reservation) == ["held", "expired"]
    assert await site.miscounted() == []


async def test_a_sweep_that_is_killed_leaves_whole_steps(
    site: Site, database_url: str, eventually: Eventually, meters: TimeMeters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is cut in the middle of its second part; the next sweep ends the rest."""
    monkeypatch.setattr(lapse, "PART_ROWS", 8)
    await small(site, 20)
    for number in range(20):
        await site.hold(60, 200, vehicle=car(number))
    site.clock.advance(300)
    dying = Database(database_url, site.clock)
    await dying.open()
    # A hold in flight keeps the pool's day: the sweep has moved its promises, and waits to give back.
    async with site.database.transaction() as tx:
        await tx.fetch("SELECT FROM reservation.pool_day FOR UPDATE")
        swept = asyncio.create_task(lapse_all(dying, meters))
        waiting = "SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')"
        await eventually(lambda: site.rows(waiting))
        await dying.close()
        with pytest.raises(Exception, match=r"closed|terminat|abort|cancel"):
            await swept
    assert await states(site) == {"held": 20}
    assert await site.miscounted() == []
    await lapse_all(site.database, meters)
    assert await states(site) == {"expired": 20}
    assert await site.miscounted() == []


async def test_who_waits_is_offered_what_is_cancelled_and_confirms_it(site: Site, meters: TimeMeters) -> None:
    await small(site)
    free = await site.post("/v1/waitlist", site.wanted(vehicle=OTHER_CAR), who=BEN)
    assert (free.status, free.json["code"]) == (409, "still-free")
    kept = await site.confirmed()
    wait = await wait_for(site)
    assert (wait["state"], wait["ahead"], wait["reservation"]) == ("waiting", 0, None)
    again = await site.post("/v1/waitlist", site.wanted(90, 150, vehicle=OTHER_CAR), who=BEN)
    assert again.json["code"] == "already-waiting"
    assert (await site.post("/v1/waitlist", site.wanted())).json["code"] == "vehicle-promised"
    assert (await site.step(kept["id"], "cancel")).status == 200
    offered = await seen(site, wait)  # in the transaction of the cancelling, no sweep needed
    assert offered["state"] == "offered" and offered["offer_expires_at"] == "2026-11-23T00:05:00.000Z"
    assert (await site.hold()).json["code"] == "no-space-left"  # who comes later is no faster
    held = await site.rows(EVENTS, offered["reservation"])
    assert [tuple(row) for row in held] == [("held", {"cause": "waitlist"})]
    assert (await site.step(offered["reservation"], "confirm", who=BEN)).status == 200
    assert (await seen(site, wait))["state"] == "taken"
    await sweep(site.database, meters)
    assert (await seen(site, wait))["state"] == "taken"
    assert (await site.ask("DELETE", f"/v1/waitlist/{wait['id']}", who=BEN)).json["code"] == "wrong-state"
    assert (await site.get("/v1/waitlist", who=BEN)).json["items"] == []
    ended = (await site.get("/v1/waitlist", params={"ended": "true"}, who=BEN)).json["items"]
    assert [item["state"] for item in ended] == ["taken"]
    assert await site.miscounted() == []


async def test_offers_go_down_the_line_as_they_expire(site: Site, meters: TimeMeters) -> None:
    await small(site)
    await site.confirmed()
    line = [await wait_for(site, vehicle=car(number), who=f"driver-{number}") for number in range(3)]
    assert [wait["ahead"] for wait in line] == [0, 1, 2]

    async def shown() -> list[str]:
        return [(await seen(site, wait, who=f"driver-{number}"))["state"] for number, wait in enumerate(line)]

    site.clock.advance(90 * 60 + 1)  # nobody came: the rest of the time is free, from the next minute on
    await sweep(site.database, meters)
    assert await shown() == ["offered", "waiting", "waiting"]
    rest = await one(site, (await seen(site, line[0], who="driver-0"))["reservation"], who="driver-0")
    assert (rest["from"], rest["until"]) == ("2026-11-23T01:31:00.000Z", "2026-11-23T02:00:00.000Z")
    for number, wait in enumerate(line):
        assert (await site.ask("DELETE", f"/v1/waitlist/{wait['id']}", who=f"driver-{number}")).status == 204
    await site.confirmed(100, 220)
    line = [await wait_for(site, 160, 220, vehicle=car(number), who=f"driver-{number}") for number in range(3)]
    kept = (await site.get("/v1/reservations", params={"state": "confirmed"})).json["items"][0]
    assert (await site.step(kept["id"], "cancel")).status == 200
    assert await shown() == ["offered", "waiting", "waiting"]
    site.clock.advance(300)
    assert await shown() == ["lapsed", "waiting", "waiting"]  # looked at again where it is read
    await sweep(site.database, meters)
    assert await shown() == ["lapsed", "offered", "waiting"]
    second = await seen(site, line[1], who="driver-1")
    assert (await site.step(second["reservation"], "cancel", who="driver-1")).status == 200
    assert await shown() == ["lapsed", "lapsed", "offered"]
    gone = await site.ask("DELETE", f"/v1/waitlist/{line[2]['id']}", who="driver-2")
    assert gone.status == 204, gone.raw
    assert await shown() == ["lapsed", "lapsed", "left"]
    assert (await site.hold(160, 220)).status == 201
    assert await site.miscounted() == []


async def test_who_cannot_be_offered_holds_up_nobody(site: Site, meters: TimeMeters) -> None:
    """The first one's vehicle is promised elsewhere, the second's window does not fit: the third is offered."""
    await small(site)
    kept = await site.confirmed(60, 120)
    other = await site.confirmed(120, 180, vehicle=car(9))
    first = await wait_for(site, 60, 120, vehicle=car(1))
    second = await wait_for(site, 60, 180, vehicle=car(2))
    third = await wait_for(site, 60, 120, vehicle=car(3))
    assert (await site.put("/v1/operator/car-parks/sy-2", park())).status == 201
    elsewhere = await site.hold(60, 120, vehicle=car(1), car_park="sy-2", who=BEN)
    assert elsewhere.status == 201
    await site.step(kept["id"], "cancel")
    assert [(await seen(site, wait))["state"] for wait in (first, second, third)] == ["waiting", "waiting", "offered"]
    await site.step(elsewhere.json["id"], "cancel", who=BEN)
    await site.step((await seen(site, third))["reservation"], "cancel", who=BEN)
    assert [(await seen(site, wait))["state"] for wait in (first, second, third)] == ["offered", "waiting", "lapsed"]
    await site.step((await seen(site, first))["reservation"], "cancel", who=BEN)
    await site.step(other["id"], "cancel")
    assert [(await seen(site, wait))["state"] for wait in (first, second, third)] == ["lapsed", "offered", "lapsed"]


async def test_a_hold_that_ran_out_is_the_waiting_ones_first(site: Site, meters: TimeMeters) -> None:
    """No sweep has come by: whoever asks next does not get it, and the sweep gives it to whoever waited."""
    await small(site)
    await site.hold(60, 120)
    wait = await wait_for(site, 60, 120)
    site.clock.advance(300)
    assert (await site.hold(55, 115, vehicle=car(7))).json["code"] == "no-space-left"
    assert (await seen(site, wait))["state"] == "waiting"
    await sweep(site.database, meters)
    assert (await seen(site, wait))["state"] == "offered"


async def test_newcomers_are_never_faster_than_whoever_waits(site: Site, meters: TimeMeters) -> None:
    """A space changes hands again and again, while many ask for it and two workers sweep."""
    await small(site)
    kept = await site.confirmed()
    line = [await wait_for(site, vehicle=car(number), who=f"driver-{number}") for number in range(4)]
    holder, reservation = ANN, kept["id"]
    for number, wait in enumerate(line):
        sweeps = [asyncio.create_task(sweep(site.database, meters)) for _ in range(2)]
        cancelled, *asked = await asyncio.gather(
            site.step(reservation, "cancel", who=holder),
            *(site.hold(vehicle=car(100 + number * 10 + other), who=BEN) for other in range(5)),
        )
        await asyncio.gather(*sweeps)
        assert cancelled.status == 200
        assert [answer.json["code"] for answer in asked] == ["no-space-left"] * 5
        holder, reservation = f"driver-{number}", (await seen(site, wait, who=f"driver-{number}"))["reservation"]
        assert (await site.step(reservation, "confirm", who=holder)).status == 200
    assert await site.miscounted() == []


async def test_the_sweep_offers_what_came_free_by_other_ways(site: Site, meters: TimeMeters) -> None:
    await small(site)
    await site.confirmed()
    numbered = await wait_for(site, space="B1-003", vehicle=car(4))
    pool = await wait_for(site, vehicle=car(5))
    await sweep(site.database, meters)
    assert (await seen(site, numbered))["state"] == "waiting"
    await small(site, 2)
    await sweep(site.database, meters)
    assert [(await seen(site, wait))["state"] for wait in (numbered, pool)] == ["offered", "waiting"]
    await small(site, 3)
    await sweep(site.database, meters)
    assert (await seen(site, pool))["state"] == "offered"


async def test_who_leaves_early_makes_room_for_whoever_waits(site: Site) -> None:
    """In the transaction of the exit; what is left of the time is offered."""
    await small(site)
    await site.confirmed(1, 120)
    lanes = Lanes(site)
    site.clock.advance(120)
    await lanes.drive("entry")
    wait = await wait_for(site, 1, 120)
    site.clock.advance(30 * 60)
    await lanes.drive("exit")
    offered = await seen(site, wait)
    assert offered["state"] == "offered"
    rest = await one(site, offered["reservation"], who=BEN)
    assert (rest["from"], rest["until"]) == ("2026-11-23T00:32:00.000Z", "2026-11-23T02:02:00.000Z")
    assert (await site.hold(40, 100, vehicle=car(3))).json["code"] == "no-space-left"
    assert await site.miscounted() == []


async def test_waiting_has_bounds_and_an_owner(site: Site, meters: TimeMeters) -> None:
    await small(site)
    for number in range(21):
        await site.confirmed(60 + number * 60, 120 + number * 60, vehicle=CAR)
    for number in range(20):
        await wait_for(site, 60 + number * 60, 120 + number * 60)
    more = await site.post("/v1/waitlist", site.wanted(1260, 1320, vehicle=OTHER_CAR), who=BEN)
    assert (more.status, more.json["code"]) == (409, "too-many-waits")
    mine = (await site.get("/v1/waitlist", params={"limit": 3}, who=BEN)).json
    assert len(mine["items"]) == 3 and mine["next"]
    rest = (await site.get("/v1/waitlist", params={"cursor": mine["next"]}, who=BEN)).json["items"]
    assert len(rest) == 17
    wait = mine["items"][0]["id"]
    assert (await site.get(f"/v1/waitlist/{wait}")).status == 404
    assert (await site.ask("DELETE", f"/v1/waitlist/{wait}")).status == 404
    for _ in range(2):
        assert (await site.ask("DELETE", f"/v1/waitlist/{wait}", who=BEN)).status == 204
    assert (await site.get(f"/v1/waitlist/{wait}", who=BEN)).json["state"] == "left"
    body = site.wanted(1260, 1320, vehicle=OTHER_CAR)
    first = await site.post("/v1/waitlist", body, who=BEN, key="once")
    assert first.status == 201 and (await site.post("/v1/waitlist", body, who=BEN, key="once")).raw == first.raw
    assert (await site.post("/v1/waitlist", body, who=CITY)).status == 403
    for bad in ({"until": site.at(10)}, {"vehicle": None}, {"car_park": None}, {"offer": "x"}):
        assert (await site.post("/v1/waitlist", {**body, **bad}, who=BEN)).status == 422, bad
