"""The demo as an outsider finds it: the ready line, tokens that work, a city that lives."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from app.exit_codes import Exit
from tests.conftest import Eventually
from tests.e2e.outside import City, berth

CAR_PARKS = 40


def run(city: City, *arguments: str) -> str:
    """Standard output of `berth ARGUMENTS` on the city's data directory; it must succeed."""
    command = berth(*arguments, "--data-dir", str(city.data_dir))
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def test_the_ready_line_has_what_the_contract_says(city: City) -> None:
    assert set(city.line) == {"http", "mqtt", "mqtt_v5", "database", "tokens"}
    assert set(city.ready.tokens) == {"driver", "operator"}
    assert city.ready.http.startswith("http://127.0.0.1:")
    assert city.ready.mqtt.startswith("mqtt://127.0.0.1:")
    assert city.ready.mqtt_v5.startswith("mqtt://127.0.0.1:")


def test_it_is_ready_and_says_which_version_it_is(city: City) -> None:
    assert city.get("/readyz")["ready"] is True
    assert city.get("/version")["commit"]


async def test_any_postgresql_client_reaches_the_database(city: City) -> None:
    connection = await asyncpg.connect(city.ready.database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM registry.car_park") >= CAR_PARKS
    finally:
        await connection.close()


async def test_the_simulated_city_is_live_over_rest(city: City, eventually: Eventually) -> None:
    def everyone_is_known() -> bool:
        cards = city.get("/v1/car-parks?limit=200")["items"]
        known = [card for card in cards if card["availability"]["state"] != "unknown"]
        return len(known) >= CAR_PARKS

    await eventually(everyone_is_known, within_s=60)


def test_the_operator_token_manages_every_operator_and_a_driver_none(city: City) -> None:
    found = city.get("/v1/operator/operators", city.ready.tokens["operator"])
    assert len(found["items"]) > 1
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        city.get("/v1/operator/operators", city.ready.tokens["driver"])
    refused.value.close()


def test_one_token_is_printed_bare_and_several_by_id(city: City) -> None:
    assert run(city, "token", "--driver", "ann").count(".") == 2
    assert set(json.loads(run(city, "token", "--driver", "ann", "--driver", "bob"))) == {"ann", "bob"}
    assert set(json.loads(run(city, "token", "--driver", "ann", "--json"))) == {"ann"}


def test_a_made_operator_key_works_for_its_operator_alone(city: City) -> None:
    key = run(city, "token", "--operator", "own-garage")
    assert key.startswith("bk_live_")
    assert [each["id"] for each in city.get("/v1/operator/operators", key)["items"]] == ["own-garage"]


def test_metrics_show_every_role(city: City) -> None:
    with urllib.request.urlopen(city.ready.http + "/metrics", timeout=10) as answer:
        told = answer.read().decode()
    for role in ("api", "gateway", "worker"):
        assert f'role="{role}"' in told
    assert "berth_gateway_events_total" in told


def test_doctor_finds_the_running_city_in_order(city: City) -> None:
    command = berth("doctor", "--json", "--data-dir", str(city.data_dir))
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    findings = {finding["part"]: finding["ok"] for finding in json.loads(told.stdout)}
    assert findings | {"pages": True} == dict.fromkeys(
        ["python", "disk", "pages", "database", "clock", "schema", "ledger", "broker"], True
    )


def test_a_feed_is_imported_beside_the_running_city(city: City, tmp_path: Path) -> None:
    feed = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [123.43, 41.8]},
                "properties": {"id": "imported-one", "name": "Imported", "capacity": 50},
            },
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [123.43, 4_180_000]},
                "properties": {"id": "imported-two", "name": "Metres", "capacity": 50},
            },
        ],
    }
    file = tmp_path / "feed.geojson"
    file.write_text(json.dumps(feed))
    told = json.loads(run(city, "import", str(file), "--operator", "importer", "--json"))
    assert [record["id"] for record in told["accepted"]] == ["imported-one"]
    assert [record["id"] for record in told["rejected"]] == ["imported-two"]
    assert city.get(f"/v1/car-parks/{told['accepted'][0]['car_park']}")["operator"] == "importer"


def test_a_feed_of_which_nothing_is_taken_is_a_failure(city: City, tmp_path: Path) -> None:
    file = tmp_path / "feed.json"
    file.write_text(json.dumps([{"name": "Nowhere"}]))
    command = berth("import", str(file), "--operator", "importer", "--data-dir", str(city.data_dir))
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert told.returncode == Exit.FAILED
    assert f"nothing of {file} was taken" in told.stderr
    assert "refused: record 0" not in told.stderr


def test_the_log_holds_no_secret(city: City) -> None:
    log = city.log.read_text()
    password = city.ready.database.split("@")[0].rsplit(":", 1)[1]
    for secret in (*city.ready.tokens.values(), password):
        assert secret not in log
