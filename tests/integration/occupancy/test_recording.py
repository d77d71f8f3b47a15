"""A whole recorded city, stored and read back over REST: every row of the file, once, told twice."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.facts import CountSeen, Facts
from contracts.ids import CarParkId, ZoneLabel
from kernel.db import Database
from kernel.moments import wire_time
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import add_car_park
from tests.integration.occupancy.conftest import Record

LONDON = ZoneInfo("Europe/London")
BATCH = 1_000

Reading = tuple[str, int, int]
"""Wire time, occupied, capacity."""


def recording(path: Path) -> tuple[list[CountSeen], dict[CarParkId, set[Reading]]]:
    """The facts of the file in its order (negative ones are refused before they are facts), and what must come back."""
    facts: list[CountSeen] = []
    expected: dict[CarParkId, set[Reading]] = defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            occupied, capacity = int(row["Occupancy"]), int(row["Capacity"])
            if occupied < 0:
                continue
            car_park = CarParkId(
                "".join(letter if letter.isalnum() else "-" for letter in row["SystemCodeNumber"].lower())
            )
            at = datetime.fromisoformat(row["LastUpdated"]).replace(tzinfo=LONDON).astimezone(UTC)
            facts.append(CountSeen(car_park, ZoneLabel(""), capacity, occupied, None, None, at, "", -1, at))
            expected[car_park].add((wire_time(at), occupied, capacity))
    return facts, expected


async def tell(record: Record, facts: Sequence[CountSeen]) -> Counter[str]:
    became: Counter[str] = Counter()
    for start in range(0, len(facts), BATCH):
        recorded = await record(Facts(counts=facts[start : start + BATCH]))
        for tally in recorded.tallies.values():
            became.update(stored=tally.stored, duplicate=tally.duplicate, late=tally.late)
    return became


async def test_birmingham_comes_back_row_by_row(
    database: Database, record: Record, site: Site, shared_data: Path
) -> None:
    facts, expected = recording(shared_data / "birmingham_parking_2016.csv.gz")
    for car_park in expected:
        await add_car_park(database, car_park, capacity=500)
    different = sum(len(readings) for readings in expected.values())
    assert sum((await tell(record, facts)).values()) == len(facts)
    again = await tell(record, facts)
    assert again == Counter(stored=0, late=0, duplicate=len(facts))

    query = {"from": "2016-10-01T00:00:00Z", "until": "2017-01-01T00:00:00Z"}
    read = 0
    for car_park, readings in expected.items():
        async with site.client.get(f"/v1/car-parks/{car_park}/history", params=query) as response:
            page = await response.json()
        items = page["items"]
        assert page["next"] is None
        assert [item["at"] for item in items] == sorted(item["at"] for item in items)
        assert {(item["at"], item["occupied"], item["capacity"]) for item in items} == readings
        assert all(item["free"] == max(0, item["capacity"] - item["occupied"]) for item in items)
        read += len(items)
    assert read == different
