"""`berth replay` through everything that is real: what is read back over REST is what stands in the file, once."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import SystemClock
from simulators.read_recording import read_recording
from simulators.recording import Recording, Series
from simulators.replay import ReplayStalled, replay_file
from tests.e2e.outside import City, berth

RECORDINGS = Path(__file__).resolve().parents[2] / "data" / "recordings"


@pytest.fixture(scope="module")
def empty_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """`berth up` without car parks; the tests of this file add theirs."""
    started = City(tmp_path_factory.mktemp("empty") / "var")
    yield started
    started.stop()


_PAST = "from=1990-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"


def _replay(city: City, file: Path, *arguments: str) -> dict[str, Any]:
    command = berth("replay", str(file), "--json", "--data-dir", str(city.data_dir), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def _history(city: City, car_park: str) -> list[tuple[datetime, int, int, int]]:
    """(at, occupied, capacity, free) of everything the car park ever told."""
    items, cursor = [], ""
    while True:
        page = city.get(f"/v1/car-parks/{car_park}/history?step=raw&{_PAST}{cursor}")
        items += [(datetime.fromisoformat(i["at"]), i["occupied"], i["capacity"], i["free"]) for i in page["items"]]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def _rows(series: Series) -> list[tuple[datetime, int, int, int]]:
    """The same of the file: exact repeats once, refused rows not at all. Times in whole milliseconds, as REST tells."""
    rows: dict[int, tuple[datetime, int, int, int]] = {}
    for index, row in enumerate(series.rows):
        at, value, capacity = series.at(index), series.values[index], series.capacity_at(index)
        if value >= 0:
            occupied = value if series.measure == "occupied" else capacity - value
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            rows[row] = (at, occupied, capacity, max(0, capacity - occupied))
    return list(rows.values())


def _assert_same(city: City, recording: Recording) -> None:
    for series in recording.series:
        held = _history(city, series.id)
        assert [row[0] for row in held] == sorted(row[0] for row in held)
        assert Counter(held) == Counter(_rows(series)), series.id


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["autumn.csv", "village_free_2024-05.csv.gz"])
def test_the_history_is_the_file_however_often_it_is_replayed(empty_city: City, name: str) -> None:
    city = empty_city
    recording = read_recording(RECORDINGS / name)
    first = _replay(city, RECORDINGS / name, "--operator", "village")
    assert first["created"] == len(recording.series)
    assert first["sent"] == first["rows"] == first["stored"] + first["duplicate"] + first["late"] + first["refused"]
    assert first["duplicate"] == first["repeats_in_file"]
    _assert_same(city, recording)
    again = _replay(city, RECORDINGS / name)
    assert (again["created"], again["stored"] + again["late"]) == (0, 0)
    assert again["refused_reasons"] == first["refused_reasons"]
    _assert_same(city, recording)


@pytest.mark.timeout(300)
def test_refused_rows_stand_in_rejected_with_their_reason(empty_city: City) -> None:
    city = empty_city
    summary = _replay(city, RECORDINGS / "autumn.csv")
    assert summary["refused"] == 3
    assert Counter(summary["refused_reasons"]).total() == 3
    assert {json.loads(row["row"])["occupied"] for row in summary["refused_rows"]} == {-3, "many", "9"}
    rejected = city.get("/v1/operator/rejected", token=city.ready.tokens["operator"])["items"]
    assert {json.loads(item["payload"])["occupied"] for item in rejected} == {-3, "many", "9"}
    assert "negative_number" in {item["reason"] for item in rejected}


@pytest.mark.timeout(300)
def test_a_replay_at_a_speed_takes_its_time(empty_city: City) -> None:
    city = empty_city
    summary = _replay(city, RECORDINGS / "village_free_2024-05.csv.gz", "--speed", "300")
    assert summary["sent"] == 6 == summary["stored"] + summary["duplicate"]
    assert summary["seconds"] > 598 / 300
    card = city.get("/v1/car-parks/village-markt")
    assert card["name"]["zh"] == "Märkt/Platz"
    assert card["availability"]["stale"]
    assert datetime.fromisoformat(card["availability"]["as_of"]) == datetime(2024, 5, 1, 6, 5, 1, tzinfo=UTC)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["birmingham_parking_2016.csv.gz"])
def test_a_real_recording_twice(empty_city: City, shared_data: Path, name: str) -> None:
    city = empty_city
    recording = read_recording(shared_data / name)
    first = _replay(city, shared_data / name)
    assert first["sent"] == first["rows"] == recording.rows
    _assert_same(city, recording)
    again = _replay(city, shared_data / name)
    assert (again["stored"], again["late"], again["refused"]) == (0, 0, first["refused"])
    _assert_same(city, recording)


@pytest.mark.timeout(300)
async def test_a_replay_that_nobody_takes_says_what_is_missing(empty_city: City) -> None:
    _replay(empty_city, RECORDINGS / "autumn.csv")
    gateway = empty_city.child("serve", "gateway")
    gateway.suspend()
    try:
        with pytest.raises(ReplayStalled, match="long-row 8 of 8"):
            await replay_file(
                RECORDINGS / "autumn.csv",
                http_url=empty_city.ready.http,
                mqtt_url=empty_city.ready.mqtt,
                token=empty_city.ready.tokens["operator"],
                clock=SystemClock(),
                stall_s=1.5,
            )
    finally:
        gateway.resume()
