"""Counters that drift: seen at night, proposed in the morning, applied by a person, undone by another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.facts import CountSeen, Facts, PassageSeen, SpaceSeen
from contracts.ids import SpaceNumber, ZoneLabel
from contracts.wire import SpaceStateWord
from kernel.api_keys import NewApiKey, StoredKey, new_api_key
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.fusion import lanes_sum
from occupancy.measures import read_measures
from occupancy.propose_drift import LOOK_S, NIGHT_HOURS, look_and_propose
from occupancy.record import Recorder
from occupancy.recount import recount
from occupancy.service import Serving
from occupancy.settings import OccupancySettings
from occupancy.sql import drift as drift_sql
from occupancy.sql.standings import lock_standings
from tests.integration.kernel.conftest import Serve
from tests.integration.kernel.conftest import Site as Served
from tests.integration.occupancy.city import EIGHT, HERE, add_car_park
from tests.integration.occupancy.conftest import Record

NIGHT_S = 86_400
BEFORE_TWO_S = 18 * 3_600 - 600
"""From eight in the morning, when the tests' clock starts, to ten to two at night."""


class Keys:
    """One operator's key."""

    def __init__(self, key: NewApiKey, operator: str) -> None:
        self.key, self._operator = key, operator

    async def find(self, key_id: str) -> StoredKey | None:
        return StoredKey(key_id, self._operator, self.key.secret_sha256) if key_id == self.key.key_id else None


@dataclass
class Site:
    """A car park, its clock and its operator."""

    database: Database
    record: Record
    clock: ManualClock
    served: Served
    key: NewApiKey
    posts: int = 0

    def wait_until(self, seconds: float) -> None:
        self.clock.advance(seconds - (self.clock.now() - EIGHT).total_seconds())

    async def count(self, occupied: int, *, entered: int | None = None, left: int | None = None) -> None:
        now = self.clock.now()
        await self.record(
            Facts(counts=[CountSeen(HERE, ZoneLabel(""), 100, occupied, entered, left, now, "", -1, now)])
        )

    async def sense(self, spaces: list[SpaceNumber], taken: int) -> None:
        now = self.clock.now()
        words: list[SpaceStateWord] = ["occupied" if place < taken else "free" for place in range(len(spaces))]
        await self.record(
            Facts(
                spaces=[
                    SpaceSeen(HERE, space, word, now, "", -1, None, now)
                    for space, word in zip(spaces, words, strict=True)
                ]
            )
        )

    async def night(self, settings: OccupancySettings) -> int:
        """Look through the rest of the night and the hour after it; how much was proposed."""
        proposed = 0
        for _ in range(17):
            async with self.database.transaction() as tx:
                proposed += await look_and_propose(tx, settings)
            self.clock.advance(LOOK_S)
        return proposed

    async def proposals(self, **query: str) -> list[dict[str, Any]]:
        async with self.served.client.get(
            f"/v1/operator/car-parks/{HERE}/drift", params=query, headers=self._headers()
        ) as answer:
            assert answer.status == 200, await answer.text()
            items: list[dict[str, Any]] = (await answer.json())["items"]
            return items

    async def decide(self, proposal: str, decision: str, reason: str = "counted by hand") -> tuple[int, dict[str, Any]]:
        self.posts += 1
        async with self.served.client.post(
            f"/v1/operator/car-parks/{HERE}/drift/{proposal}/{decision}",
            json={"reason": reason},
            headers=self._headers() | {"Idempotency-Key": f"decision-{self.posts}"},
        ) as answer:
            return answer.status, await answer.json()

    async def truth(self) -> tuple[int | None, str | None]:
        async with self.database.transaction(readonly=True) as tx:
            row = await tx.fetchrow("SELECT occupied, source FROM occupancy.car_park_state WHERE car_park = $1", HERE)
        assert row is not None
        return row["occupied"], row["source"]

    async def value(self, statement: str) -> Any:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetchval(statement)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key.text}"}


@pytest.fixture
async def site(
    database: Database, record: Record, clock: ManualClock, side: Serving, serve: Serve
) -> AsyncIterator[Site]:
    key = new_api_key(datetime(2026, 11, 23, tzinfo=UTC))
    served = await serve(*side.service.apis, database=database, keys=Keys(key, "op"))
    yield Site(database, record, clock, served, key)


async def test_a_counter_that_differs_from_the_sensors_is_corrected_and_put_back(
    site: Site, settings: OccupancySettings, recorder: Recorder
) -> None:
    spaces = await add_car_park(site.database, capacity=100, spaces=100, measured_by="counts")
    for night in range(3):
        site.wait_until(night * NIGHT_S + BEFORE_TWO_S)
        await site.sense(spaces, 40)
        await site.count(49 + night)
        proposed = await site.night(settings)
    assert proposed == 1
    (proposal,) = await site.proposals(state="proposed")
    assert (proposal["correction"], proposal["basis"], proposal["measure"]) == (-10, "sensors", "counts")
    assert [(one["counted"], one["sensed"]) for one in proposal["evidence"]["nights"]] == [(49, 40), (50, 40), (51, 40)]
    history = await site.value("SELECT array_agg(occupied ORDER BY at) FROM occupancy.count_event")
    assert await site.truth() == (51, "counts")

    status, applied = await site.decide(proposal["id"], "apply", "walked through at night")
    assert (status, applied["state"], applied["reason"]) == (200, "applied", "walked through at night")
    assert applied["decided_by"].startswith("operator:")
    assert await site.truth() == (41, "counts")
    site.clock.advance(60)
    await site.count(60)
    assert await site.truth() == (50, "counts")
    site.clock.advance(60)
    await site.count(3)
    assert await site.truth() == (0, "counts")
    async with site.database.transaction() as tx:
        assert (await recount(tx, recorder, [HERE]))[0] == 0
    assert (await site.decide(proposal["id"], "apply"))[0] == 409

    status, undone = await site.decide(proposal["id"], "undo", "the counter was replaced")
    assert (status, undone["state"], undone["undone_reason"]) == (200, "undone", "the counter was replaced")
    assert await site.truth() == (3, "counts")
    kept = await site.value("SELECT array_agg(occupied ORDER BY at) FROM occupancy.count_event")
    assert kept == [*history, 60, 3]
    actions = await site.value("SELECT array_agg(action ORDER BY number) FROM registry.audit")
    assert actions == ["drift.apply", "drift.undo"]


async def test_minima_that_rise_night_by_night(site: Site, settings: OccupancySettings) -> None:
    await add_car_park(site.database, capacity=100)
    proposed = []
    for night, low in enumerate([20, 22, 23, 26, 28, 30]):
        site.wait_until(night * NIGHT_S + BEFORE_TWO_S)
        await site.count(low, entered=500 * night + low, left=500 * night)
        proposed.append(await site.night(settings))
    assert proposed == [0, 0, 0, 1, 1, 0]
    newest, earlier = await site.proposals()
    assert (newest["correction"], newest["basis"], newest["evidence"]["in_minus_out"]) == (-8, "night_minimum", 8)
    assert (earlier["correction"], earlier["state"]) == (-6, "superseded")
    status, _ = await site.decide(newest["id"], "dismiss", "a festival")
    assert status == 200
    site.wait_until(6 * NIGHT_S + BEFORE_TWO_S)
    await site.count(33, entered=4_000, left=3_900)
    assert await site.night(settings) == 0


async def test_lanes_through_which_more_leave_than_came(site: Site, settings: OccupancySettings) -> None:
    await add_car_park(site.database, capacity=100, measured_by="passages")
    site.wait_until(BEFORE_TWO_S)
    now = site.clock.now()

    def passed(name: str, direction: str, before_s: float) -> PassageSeen:
        at = now - timedelta(seconds=before_s)
        return PassageSeen(HERE, name, "X1", direction, None, None, None, None, None, "t", at, at)

    await site.record(Facts(passages=[passed(f"p{number}", "exit", 60 + number) for number in range(5)]))
    assert await site.truth() == (0, "passages")
    assert await site.night(settings) == 1
    (proposal,) = await site.proposals()
    assert (proposal["correction"], proposal["basis"]) == (5, "below_zero")
    await site.decide(proposal["id"], "apply")
    at = site.clock.now()
    await site.record(
        Facts(passages=[PassageSeen(HERE, "n", "E1", "entry", None, None, None, None, None, "t", at, at)])
    )
    assert await site.truth() == (1, "passages")


async def test_what_later_nights_refute_is_withdrawn(site: Site, settings: OccupancySettings) -> None:
    spaces = await add_car_park(site.database, capacity=100, spaces=100, measured_by="counts")
    for night, counted in enumerate((50, 50, 50, 40)):
        site.wait_until(night * NIGHT_S + BEFORE_TWO_S)
        await site.sense(spaces, 40)
        await site.count(counted)
        await site.night(settings)
    assert [one["state"] for one in await site.proposals()] == ["superseded"]


async def test_lanes_are_looked_at_as_they_are_believed(site: Site, recorder: Recorder) -> None:
    await add_car_park(site.database, capacity=100, measured_by="passages")
    site.wait_until(BEFORE_TWO_S)
    await site.count(30)
    counted_at = site.clock.now()
    site.wait_until(NIGHT_S + BEFORE_TWO_S + 1_800)
    at = site.clock.now()
    await site.record(
        Facts(passages=[PassageSeen(HERE, "n", "E1", "entry", None, None, None, None, None, "t", at, at)])
    )
    applied = [
        ("counts", "", 0, 1),
        ("counts", "", 60, 2),
        ("counts", "B1", 0, 4),
        ("passages", "", 0, 8),
        ("passages", "", 60, 16),
    ]
    async with site.database.transaction() as tx:
        for place, (measure, zone, since_s, cars) in enumerate(applied):
            await tx.execute(
                "INSERT INTO occupancy.drift_proposal (id, car_park, measure, zone, correction, basis, evidence, state,"
                " proposed_at, decided_at, decided_by, reason, effective_from)"
                " VALUES ($1, $2, $3, $4, $5, 'sensors', '{}', 'applied', $6, $6, 'me', 'so', $6::timestamptz + $7)",
                f"drf_{place}",
                HERE,
                measure,
                zone,
                cars,
                counted_at,
                timedelta(seconds=since_s),
            )
        await drift_sql.look_at_night(tx, known_share_min=0.95, hours=NIGHT_HOURS)
        standings = await lock_standings(tx, [HERE])
        believed = lanes_sum((await read_measures(tx, standings, recorder.places))[HERE])
    assert believed == 30 + 1 + 1 + 16
    assert await site.value("SELECT counted FROM occupancy.drift_night WHERE measure = 'passages'") == believed


async def test_what_is_not_there_or_somebody_elses(site: Site) -> None:
    await add_car_park(site.database, capacity=100)
    nobodys = f"drf_{'0' * 32}"
    assert (await site.decide(nobodys, "apply"))[0] == 404
    async with site.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('b', 'b', 'b', now())"
        )
        await tx.execute("UPDATE registry.car_park SET operator = 'b'")
    status, body = await site.decide(nobodys, "apply")
    assert (status, body["code"]) == (404, "unknown-car-park")
    async with site.served.client.get(
        f"/v1/operator/car-parks/{HERE}/gaps", headers={"Authorization": f"Bearer {site.key.text}"}
    ) as answer:
        assert answer.status == 404


async def test_gaps_are_told_to_the_operator(site: Site) -> None:
    (a,) = await add_car_park(site.database, capacity=1, spaces=1)
    now = site.clock.now()
    for place, seq in enumerate((1, 5, 9)):
        at = now + timedelta(seconds=place)
        await site.record(Facts(spaces=[SpaceSeen(HERE, a, "free", at, "b", seq, None, at)]))
    headers = {"Authorization": f"Bearer {site.key.text}"}
    path = f"/v1/operator/car-parks/{HERE}/gaps"
    async with site.served.client.get(path, headers=headers, params={"open": "true", "limit": 1}) as answer:
        page = await answer.json()
    (gap,) = page["items"]
    assert (gap["space"], gap["from_seq"], gap["missing"]) == ("A-000", 6, [{"from_seq": 6, "to_seq": 8}])
    assert (gap["healed"], gap["healed_at"], gap["zone"]) == (None, None, None)
    query = {"open": "true", "limit": 1, "cursor": page["next"]}
    async with site.served.client.get(path, headers=headers, params=query) as answer:
        page = await answer.json()
    assert [one["from_seq"] for one in page["items"]] == [2]
    assert page["next"] is None
