"""Feeds over REST and from files: what is taken, what is refused and why, and that repeating changes nothing."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kernel.db import Database
from registry.import_feed import ImportOptions, ImportResult, import_file
from registry.settings import RegistrySettings
from tests.integration.registry.conftest import Site, park

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "feeds"
BERLIN = "Europe/Berlin"


async def send(site: Site, name: str, query: str = "", **more: Any) -> Any:
    answer = await site.ask("POST", f"/v1/operator/import{query}", data=(SAMPLES / name).read_bytes(), **more)
    assert answer.status == 200, answer.raw
    return answer.json


def reasons(answer: Any) -> list[tuple[int, str, str]]:
    return [(refused["index"], refused["field"], refused["reason"]) for refused in answer["rejected"]]


async def test_accepted_and_rejected_records_come_back_beside_each_other(site: Site) -> None:
    answer = await send(site, "car_parks.geojson", "?operator=mira")
    assert (answer["format"], answer["operator"]) == ("geojson", "mira")
    assert [(record["car_park"], record["outcome"], record["live"]) for record in answer["accepted"]] == [
        ("north-gate", "created", True),
        ("south-gate", "created", False),
        ("mira-17", "created", False),
        ("courtyard", "created", False),
    ]
    assert reasons(answer) == [
        (1, "free", "free_exceeds_capacity"),
        (4, "geometry", "latitude_out_of_range"),
        (5, "capacity", "missing_field"),
        (6, "id", "duplicate_id"),
        (7, "", "not_an_object"),
    ]
    read = (await site.get("/v1/operator/car-parks/north-gate")).json
    assert read["name"] == {"zh": "北门停车场", "en": "North Gate"}
    assert (read["district"], read["opening_hours"]) == ("shenhe", "24/7")
    counts = site.counted[0].counts
    assert [(count.car_park, count.capacity, count.occupied) for count in counts] == [("north-gate", 120, 80)]


async def test_repeating_an_import_changes_nothing(site: Site, database: Database) -> None:
    await send(site, "car_parks.geojson", "?operator=mira")
    async with database.transaction() as tx:
        before = await tx.fetch("SELECT * FROM registry.car_park ORDER BY id")
        revision = await tx.fetchval("SELECT revision FROM registry.revision_now")
    answer = await send(site, "car_parks.geojson", "?operator=mira")
    assert {record["outcome"] for record in answer["accepted"]} == {"unchanged"}
    async with database.transaction() as tx:
        assert await tx.fetch("SELECT * FROM registry.car_park ORDER BY id") == before
        assert await tx.fetchval("SELECT revision FROM registry.revision_now") == revision


async def test_a_dry_run_says_the_same_and_stores_nothing(site: Site, database: Database) -> None:
    dry = await send(site, "car_parks.geojson", "?operator=newcomer&dry_run=true")
    assert site.counted == []
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM registry.car_park") == 0
        assert await tx.fetchval("SELECT count(*) FROM registry.operator WHERE id = 'newcomer'") == 0
    wet = await send(site, "car_parks.geojson", "?operator=newcomer")
    assert (dry["accepted"], dry["rejected"]) == (wet["accepted"], wet["rejected"])


async def test_an_operators_key_imports_into_its_own_and_takes_nobodys_ids(site: Site) -> None:
    await send(site, "car_parks.geojson", "?operator=mira")
    answer = await send(site, "car_parks.geojson", who="otto")
    assert answer["operator"] == "otto"
    taken = [refused["id"] for refused in answer["rejected"] if refused["reason"] == "id_taken"]
    assert taken == ["north-gate", "south-gate", "courtyard"]
    foreign = await site.ask("POST", "/v1/operator/import?operator=mira", data=b"id,capacity\nx,1", who="otto")
    assert (foreign.status, foreign.json["code"]) == (404, "unknown-operator")


async def test_live_values_of_a_feed_whose_sites_were_refused_still_count(site: Site) -> None:
    static = await send(site, "datex2_static.xml")
    assert static["operator"] == "de-mdm-teststadt"
    assert reasons(static) == [(1, "latitude", "latitude_out_of_range")]
    assert "EPSG" in static["rejected"][0]["detail"]
    live = await send(site, "datex2_status.xml")
    assert [record["car_park"] for record in live["accepted"]] == ["de-mdm-teststadt-p1"]
    assert [(index, reason) for index, _, reason in reasons(live)] == [
        (1, "unknown_site"),
        (2, "closed_with_free"),
        (3, "timestamp_1970"),
        (4, "missing_field"),
    ]
    with_grid = await send(site, "datex2_static.xml", "?crs=EPSG:25832")
    assert with_grid["rejected"] == []
    assert (await send(site, "datex2_status.xml"))["counts"] == 2


async def test_a_status_beyond_what_the_registry_knows_is_refused(site: Site) -> None:
    await send(site, "datex2_static.xml")
    over = (SAMPLES / "datex2_status.xml").read_bytes().replace(b">40<", b">400<")
    answer = (await site.ask("POST", "/v1/operator/import", data=over)).json
    assert answer["rejected"][0]["reason"] == "free_exceeds_capacity"
    assert answer["rejected"][0]["detail"] == "400 free, but only 100 spaces"


async def test_a_feed_closes_and_opens_but_never_what_an_operator_closed(site: Site) -> None:
    feed = b"id,lat,lon,capacity,state\na,41.8,123.4,10,closed\nb,41.8,123.41,10,open\n"
    url = "/v1/operator/import?operator=mira"
    await site.ask("POST", url, data=feed)
    assert (await site.get("/v1/operator/car-parks/a")).json["closed_reason"] == "closed according to the feed"
    await site.put("/v1/operator/car-parks/b/closure", {"closed": True, "reason": "works"})
    await site.ask("POST", url, data=feed.replace(b"closed", b"open"))
    assert (await site.get("/v1/operator/car-parks/a")).json["closed"] is False
    assert (await site.get("/v1/operator/car-parks/b")).json["closed_reason"] == "works"


async def test_an_import_does_not_shrink_a_car_park_below_its_parts(site: Site) -> None:
    await site.put("/v1/operator/car-parks/a", park(tariff_summary="free"))
    feed = b"id,lat,lon,capacity\na,41.8,123.4,5\n"
    answer = (await site.ask("POST", "/v1/operator/import?operator=mira", data=feed)).json
    assert reasons(answer) == [(0, "capacity", "capacity_exceeded")]
    grown = feed.replace(b",5", b",50")
    await site.ask("POST", "/v1/operator/import?operator=mira", data=grown)
    read = (await site.get("/v1/operator/car-parks/a")).json
    assert (read["capacity"], read["tariff_summary"]["en"], len(read["spaces"])) == (50, "free", 2)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"hello", "unrecognised_format"),
        (b"<a><b></a>", "malformed_xml"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "forbidden_xml"),
        (b"{", "malformed_json"),
        (b'{"a": 1}', "unrecognised_format"),
        (b"\x00\xff", "unrecognised_format"),
    ],
)
async def test_what_is_no_feed_is_a_problem_with_its_reason(site: Site, body: bytes, reason: str) -> None:
    refused = await site.ask("POST", "/v1/operator/import", data=body)
    assert (refused.status, refused.json["code"], refused.json["reason"]) == (422, "unreadable-feed", reason)


async def test_bad_parameters_are_refused(site: Site) -> None:
    for query in ("time_zone=Mars", "crs=lambert", "dry_run=maybe", "colour=red"):
        assert (await site.ask("POST", f"/v1/operator/import?{query}", data=b"id,capacity\nx,1")).status == 400, query


async def real(database: Database, file: Path, **options: Any) -> tuple[ImportResult, Counter[str]]:
    said = ImportOptions(time_zone=BERLIN, **options)
    result = await import_file(database, file, RegistrySettings(), said)
    return result, Counter(refused.reason for refused in result.rejected)


async def test_the_real_feeds_of_basel_and_freiburg(database: Database, shared_data: Path) -> None:
    basel, refused = await real(database, shared_data / "feeds" / "basel.json")
    assert (basel.operator, len(basel.accepted), len(basel.counts)) == ("basel", 16, 15)
    assert refused == {"missing_field": 1, "free_exceeds_capacity": 1}
    freiburg, refused = await real(database, shared_data / "feeds" / "freiburg.json")
    assert (freiburg.operator, len(freiburg.accepted), len(freiburg.counts), refused) == ("freiburg", 19, 19, {})
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT lat, lon, time_zone FROM registry.car_park WHERE id = 'freiburg-13'")
    assert row is not None
    assert (row["lat"], row["lon"]) == (pytest.approx(48.001, abs=0.002), pytest.approx(7.845, abs=0.002))
    assert row["time_zone"] == BERLIN


async def test_the_real_feeds_of_stuttgart(database: Database, shared_data: Path) -> None:
    static, refused = await real(database, shared_data / "feeds" / "stuttgart-static.xml")
    assert (len(static.accepted), refused) == (1, {"latitude_out_of_range": 48})
    live, refused = await real(database, shared_data / "feeds" / "stuttgart-realtime.xml")
    assert refused["unknown_site"] > 30
    static, refused = await real(database, shared_data / "feeds" / "stuttgart-static.xml", epsg=25832)
    assert (len(static.accepted), refused) == (49, {})
    live, refused = await real(database, shared_data / "feeds" / "stuttgart-realtime.xml")
    assert refused == {"missing_field": 9, "closed_with_free": 4, "timestamp_1970": 2}
    assert len(live.counts) == 34


async def test_a_table_of_lots_without_positions_for_all(database: Database, shared_data: Path) -> None:
    result, refused = await real(database, shared_data / "dresden_lots.csv", operator="dresden")
    assert result.format == "csv"
    assert len(result.accepted) + refused.total() == 39
    assert refused == {"missing_field": 39 - len(result.accepted)}
