"""Bodies over a real socket: what is taken, what is refused, and which field is named."""

from typing import Any

import pytest

from kernel.api_keys import StoredKey, new_api_key
from kernel.clock import ManualClock
from tests.integration.kernel.conftest import Serve, Site
from tests.integration.kernel.things import OneKey, ThingsApi


@pytest.fixture
async def site(serve: Serve) -> Site:
    return await serve(ThingsApi())


async def test_a_thing_is_made(site: Site) -> None:
    headers = {**site.driver("ann"), "X-Flavour": "mint"}
    async with site.client.post("/v1/things", json={"name": "a", "n": 2}, headers=headers) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/v1/things/a")
        assert await answer.json() == {"id": "ann:mint", "at": "2026-11-23T00:00:00.000Z", "n": 2}
    async with site.client.delete("/v1/things/a", headers=site.driver()) as answer:
        assert (answer.status, await answer.read()) == (204, b"")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'{"name": "a"} x', ""),
        (b'{"name": NaN}', ""),
        (b'{"name": "a", "share": 1e999}', ""),
        (b'{"name": "\\ud800"}', ""),
        (b'{"name": "\xff"}', ""),
        (b'{"name": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", ""),
        (b'{"name": "a\\u0000"}', "name"),
        (b'{"name": "a", "n": 9999999999999999999}', "n"),
        (b'{"name": "a", "n": "1"}', "n"),
        (b'{"name": "a", "n": true}', "n"),
        (b'{"name": "a", "n": 1.5}', "n"),
        (b'{"n": 1}', "name"),
        (b'{"name": "a", "colour": "red"}', "colour"),
        (b'{"name": "a", "at": "2026-11-23T08:00:00"}', "at"),
        (b'{"name": "a", "at": 1763856000}', "at"),
        (b'{"name": "a", "at": "1763856000"}', "at"),
        (b'{"name": "a", "at": "0001-01-01T00:00:00+01:00"}', "at"),
        (b'{"name": "a", "at": "9999-12-31T23:59:59-01:00"}', "at"),
        (b'{"name": "a", "at": "2026-11-23T08:00:00+99:99"}', "at"),
    ],
)
async def test_a_malformed_body_is_422_and_names_the_field(site: Site, body: bytes, field: str) -> None:
    headers = {**site.driver(), "Content-Type": "application/json"}
    async with site.client.post("/v1/things", data=body, headers=headers) as answer:
        problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "malformed-body")
    assert (problem["errors"][0]["in"], problem["errors"][0]["field"]) == ("body", field)


async def test_a_body_that_is_right_is_taken_with_its_times(site: Site) -> None:
    for body in ({"name": "a", "at": "2026-11-23T08:00:00+08:00"}, {"name": "a", "at": None, "share": 1, "n": 7.0}):
        async with site.client.post("/v1/things", json=body, headers=site.driver()) as answer:
            assert answer.status == 201, await answer.text()


async def test_of_a_repeated_member_the_last_counts(site: Site) -> None:
    headers = {**site.driver(), "Content-Type": "application/json"}
    async with site.client.post("/v1/things", data=b'{"name":"a","n":1,"n":2}', headers=headers) as answer:
        assert (await answer.json())["n"] == 2


async def test_a_body_that_is_not_json_is_415(site: Site) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"):
        headers = {**site.driver(), "Content-Type": kind}
        async with site.client.post("/v1/things", data=b"{}", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (415, "unsupported-content-type")


async def test_a_body_that_is_too_large_is_413_whether_it_says_so_or_not(serve: Serve, clock: ManualClock) -> None:
    made = new_api_key(clock.now())
    site = await serve(ThingsApi(), keys=OneKey(StoredKey(made.key_id, None, made.secret_sha256)))

    async def trickle() -> Any:
        for _ in range(50):
            yield b" " * 100

    for data in (b" " * 2_001, trickle()):
        headers = {"X-API-Key": made.text, "Content-Type": "application/json"}
        async with site.client.put("/v1/things/a", data=data, headers=headers) as answer:
            problem = await answer.json()
        assert (answer.status, problem["code"], problem["limit_bytes"]) == (413, "body-too-large", 2_000)
