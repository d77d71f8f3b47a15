"""A driver's own promises as a live stream, from a real server over a real database; polls are made by the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from kernel.db import Database
from kernel.sse import HEARTBEAT_S
from reservation.http import feed, follow
from tests.conftest import Eventually
from tests.integration.reservation.conftest import ANN, BEN, OTHER_CAR, PARK, Site, park

EVENTS = "/v1/reservations/events"


@asynccontextmanager
async def following(site: Site, who: str = ANN, *, behind: str | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Authorization": f"Bearer {site.driver(who)}"}
    if behind is not None:
        headers["Last-Event-ID"] = behind
    async with site.session.get(EVENTS, headers=headers) as stream:
        assert stream.status == 200
        yield stream


async def told(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next event."""
    event: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while True:
            line = (await stream.content.readline()).decode().rstrip("\n")
            if not line and "data" in event:
                return event
            name, _, value = line.partition(": ")
            if name in {"event", "id", "data"}:
                event[name] = orjson.loads(value) if name == "data" else value


async def poll(site: Site) -> None:
    await site.turns["reservation.feed"]()


async def test_first_what_stands_then_every_step_of_my_own(site: Site) -> None:
    mine = (await site.hold()).json
    async with following(site) as stream:
        first = await told(stream)
        assert first["event"] == "snapshot"
        assert [item["id"] for item in first["data"]["items"]] == [mine["id"]]
        assert first["data"]["items"][0] == mine
        other = await site.hold(vehicle=OTHER_CAR, who=BEN)
        confirmed = (await site.step(mine["id"], "confirm")).json
        await poll(site)
        change = await told(stream)
        assert change["event"] == "change"
        assert (change["data"]["kind"], change["data"]["version"]) == ("confirmed", 2)
        assert change["data"]["reservation"] == confirmed
        await site.step(other.json["id"], "cancel", who=BEN)
        await site.step(mine["id"], "cancel")
        await poll(site)
        last = await told(stream)
        assert (last["data"]["kind"], last["data"]["detail"]) == ("cancelled", {"cause": "driver"})
        assert last["data"]["reservation"]["state"] == "cancelled"


async def test_whoever_comes_back_gets_what_was_missed_once_and_in_order(site: Site) -> None:
    async with following(site) as stream:
        snapshot = await told(stream)
        assert snapshot["data"] == {"items": []}
    held = (await site.hold()).json
    await site.step(held["id"], "confirm")
    async with following(site, behind=snapshot["id"]) as stream:
        missed = [await told(stream) for _ in range(2)]
        assert [event["data"]["kind"] for event in missed] == ["held", "confirmed"]
        await poll(site)  # knows nothing new
        await site.step(held["id"], "extend", {"until": site.at(150)})
        await poll(site)
        assert (await told(stream))["data"]["kind"] == "extended"
    async with following(site, behind=missed[0]["id"]) as stream:
        assert [(await told(stream))["data"]["kind"] for _ in range(2)] == ["confirmed", "extended"]
    for unknown in ("x", "1", "1-x", "99999999999-1", "9" * 30 + "-1"):
        async with following(site, behind=unknown) as stream:
            assert (await told(stream))["event"] == "snapshot"


async def test_what_is_committed_late_is_not_overtaken(site: Site) -> None:
    """An event gets its number before another one that is committed first: both are told, also to whoever comes back
    with the id of the other."""
    slow = (await site.hold()).json
    async with following(site) as stream:
        begun = (await told(stream))["id"]
        async with site.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO reservation.event (reservation, at, kind, version) VALUES ($1, $2, 'extended', 1)",
                slow["id"],
                tx.now,
            )
            quick = (await site.hold(200, 300)).json
            await poll(site)
            async with following(site, behind=begun) as another:
                await poll(site)
                await site.hold(400, 500)
                await poll(site)
                assert another.content.total_bytes < 100  # `retry` and nothing else
        await poll(site)
        events = [await told(stream) for _ in range(3)]
        assert [event["data"]["reservation"]["id"] for event in events[:2]] == [slow["id"], quick["id"]]
    async with following(site, behind=events[0]["id"]) as stream:
        assert (await told(stream))["data"]["reservation"]["id"] == quick["id"]


async def test_nothing_is_read_while_nobody_follows(
    site: Site, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Database.transaction
    transactions = 0

    def counted(database: Database, *, readonly: bool = False) -> Any:
        nonlocal transactions
        transactions += 1
        return begun(database, readonly=readonly)

    async def polls_read() -> int:
        before = transactions
        for _ in range(3):
            await poll(site)
        return transactions - before

    async with following(site) as stream:
        await told(stream)
        monkeypatch.setattr(Database, "transaction", counted)
        assert await polls_read() == 3

    async def nothing_is_read() -> bool:
        site.clock.advance(HEARTBEAT_S)  # when the server looks whether a reader is still there
        return await polls_read() == 0

    await eventually(nothing_is_read)
    assert await nothing_is_read()
    await site.hold()
    async with following(site) as stream:
        assert len((await told(stream))["data"]["items"]) == 1


@pytest.mark.parametrize("limit", ["line", "replay"])
async def test_too_much_at_once_is_a_new_picture(site: Site, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LINE_EVENTS_MAX", 2)
    monkeypatch.setattr(follow, "REPLAYED_MAX", 2)
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=10))).status == 200
    async with following(site) as stream:
        begun = (await told(stream))["id"]
        for number in range(4):
            await site.hold(60 + number * 60, 120 + number * 60)
        if limit == "line":
            await poll(site)
            again = await told(stream)
            assert (again["event"], len(again["data"]["items"])) == ("snapshot", 4)
            await site.hold(600, 700)
            await poll(site)
            assert (await told(stream))["data"]["kind"] == "held"
    if limit == "replay":
        async with following(site, behind=begun) as stream:
            again = await told(stream)
            assert (again["event"], len(again["data"]["items"])) == ("snapshot", 4)


async def test_only_drivers_with_a_token_follow(site: Site) -> None:
    assert (await site.get(EVENTS, who=None)).status == 401
