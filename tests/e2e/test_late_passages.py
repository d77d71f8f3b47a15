"""A car park that was cut off uploads what it saw, in no order and not all of it: stays that are known are billed, what
is not known bills nobody, and no barrier moves for vehicles that have gone.
"""

from datetime import timedelta
from typing import Any

from contracts.wire import Plate
from tests.conftest import Eventually
from tests.e2e.conftest import StartCity
from tests.e2e.gates import gate_of
from tests.e2e.outside import City

PARK = "cut-off-1"
CAR_PARK = {
    "operator": "hills",
    "name": {"zh": "山脚停车场", "en": "Hills"},
    "position": {"lat": 41.79, "lon": 123.43},
    "capacity": 40,
    "kind": "mall",
    "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
}
TARIFF = {
    "name": {"zh": "每小时5元", "en": "5 yuan an hour"},
    "plans": [{"id": "all", "charge": {"kind": "units", "steps": [{"amount": 500, "unit_min": 60}]}}],
    "valid_from": "2026-01-01T00:00:00+08:00",
}
TWICE, MISSED, UNSEEN = Plate("辽A10001", "blue"), Plate("辽A10002", "blue"), Plate("辽AD10003", "green")
"""Parks twice; whose first exit was missed; whom nobody saw come."""


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def seen_by_operator(city: City, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = city.get(path, city.ready.tokens["operator"])["items"]
    return items


def stays(city: City) -> list[tuple[str, str | None, int | None]]:
    """(state, why, fen) of all that count."""
    items = seen_by_operator(city, f"/v1/operator/car-parks/{PARK}/sessions?limit=100")
    return sorted(
        (one["state"], one["code"], None if one["amount"] is None else one["amount"]["amount"])
        for one in items
        if one["state"] not in ("corrected", "matched")
    )


async def test_what_was_seen_while_the_line_was_down(start_city: StartCity, eventually: Eventually) -> None:
    city = start_city()
    city.send("PUT", f"/v1/operator/car-parks/{PARK}", CAR_PARK)
    city.send("PUT", f"/v1/operator/car-parks/{PARK}/tariff", TARIFF)
    async with gate_of(PARK, city.ready.http, city.ready.mqtt, city.ready.tokens["operator"]) as gate:
        await gate.sees(TWICE, "X1", ago=hours(1))
        await gate.sees(TWICE, "E1", ago=hours(9.5))
        await gate.sees(UNSEEN, "X1", ago=hours(2))
        await gate.sees(MISSED, "E1", ago=hours(8))
        await gate.sees(MISSED, "X1", ago=hours(0.4))
        await gate.sees(TWICE, "E1", ago=hours(2.5))
        await gate.sees(MISSED, "E1", ago=hours(0.9))
        await gate.sees(TWICE, "X1", ago=hours(8.1))
        known = [
            ("orphan_exit", None, None),
            ("rated", None, 500),
            ("rated", None, 1000),
            ("rated", None, 1000),
            ("suspect", "second_entry", None),
        ]
        await eventually(lambda: stays(city) == known, within_s=20)
        assert gate.opened("X1") == gate.opened("E1") == 0
        assert gate.shows("X1") == ""
    waiting = seen_by_operator(city, "/v1/operator/exceptions")
    assert sorted((one["state"], one["plate"]) for one in waiting) == [
        ("orphan_exit", UNSEEN.plate),
        ("suspect", MISSED.plate),
    ]
