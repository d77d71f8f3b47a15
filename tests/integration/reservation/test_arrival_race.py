"""Passages and drivers move the same promises at the same time: nobody waits in a circle, and the counters add up."""

import asyncio

from contracts.facts import Facts
from tests.integration.reservation.arrivals import Lanes
from tests.integration.reservation.conftest import PARK, Site, park

CARS = [{"plate": f"辽A{number:05}", "color": "blue"} for number in range(16)]


async def test_arrivals_and_changes_at_once(site: Site) -> None:
    lanes = Lanes(site)
    await site.put(f"/v1/operator/car-parks/{PARK}", park(capacity=40, reservable=20))
    late = 23 * 60 + 50
    site.clock.advance(60 * late)
    made = [await site.confirmed(5, 60, vehicle=car) for car in CARS]
    entries = [lanes.passage("entry", car) for car in CARS]

    async def change(number: int, reservation: str) -> int:
        if number % 2:
            return (await site.step(reservation, "cancel")).status
        return (await site.step(reservation, "extend", {"until": site.at(120)})).status

    answers = await asyncio.gather(
        lanes.record(Facts(passages=entries)),
        *(change(number, one["id"]) for number, one in enumerate(made)),
    )
    assert set(answers[1:]) <= {200, 409}
    assert await site.miscounted() == []
    states = await site.rows("SELECT DISTINCT state FROM reservation.reservation")
    assert {row["state"] for row in states} <= {"checked_in", "cancelled"}
    site.clock.advance(60)
    await asyncio.gather(
        lanes.record(Facts(passages=[lanes.passage("exit", car) for car in CARS])),
        *(change(0, one["id"]) for one in made),
    )
    assert await site.miscounted() == []
    (over,) = await site.rows("SELECT count(*) AS active FROM reservation.reservation WHERE ended_at IS NULL")
    assert over["active"] == 0
    (undone,) = await site.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert undone["deadlocks"] == 0
