"""The edge over a real socket: what callers send, what they get, what never leaks."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from kernel.addresses import LOCAL_NETWORKS, Proxies
from kernel.api_keys import StoredKey, new_api_key
from kernel.clock import ManualClock
from kernel.http import (
    encode_cursor,
)
from kernel.webserver import WebOptions
from tests.integration.kernel.conftest import Serve, Site
from tests.integration.kernel.things import OneKey, ThingsApi


@pytest.fixture
async def site(serve: Serve) -> Site:
    return await serve(ThingsApi())


async def test_a_model_goes_out_in_utc_with_milliseconds(site: Site) -> None:
    async with site.client.get("/v1/things/a?at=2026-11-23T08:00:00.1234%2B08:00") as answer:
        assert answer.status == 200
        assert await answer.json() == {"id": "a", "at": "2026-11-23T00:00:00.123Z", "n": 3}
        assert answer.headers["Content-Type"] == "application/json"


async def test_an_unescaped_plus_in_a_query_is_forgiven(site: Site) -> None:
    async with site.client.get("/v1/things/a?at=2026-11-23T08:00:00+08:00") as answer:
        assert (await answer.json())["at"] == "2026-11-23T00:00:00.000Z"


async def test_every_bad_parameter_is_named_at_once(site: Site) -> None:
    async with site.client.get("/v1/things/a?n=9&at=2026-11-23T08:00:00&colour=red") as answer:
        problem = await answer.json()
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["code"]) == ("/problems/invalid-parameter", "invalid-parameter")
    assert [(error["in"], error["field"]) for error in problem["errors"]] == [
        ("query", "n"),
        ("query", "at"),
        ("query", "colour"),
    ]
    assert "offset" in problem["errors"][1]["message"]
    assert "known here: at, n" in problem["errors"][2]["message"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("n", ["", "1_0", " 1", "1.0", "x", "99999999999999999999", "%00", "1&n=2", "true"])
async def test_a_whole_number_is_spelled_as_json_spells_it(site: Site, n: str) -> None:
    async with site.client.get(f"/v1/things/a?n={n}") as answer:
        assert answer.status == 400
        assert (await answer.json())["errors"][0]["field"] == "n"


async def test_the_request_id_comes_back_and_a_harmful_one_does_not(site: Site) -> None:
    async with site.client.get("/v1/things/a", headers={"X-Request-Id": "mine-1"}) as answer:
        assert answer.headers["X-Request-Id"] == "mine-1"
    async with site.client.get("/v1/things/a", headers={"X-Request-Id": "a b{}"}) as answer:
        assert answer.headers["X-Request-Id"].startswith("req_")


async def test_pages_of_a_list(site: Site) -> None:
    async with site.client.get("/v1/things?tag=a&tag=b") as answer:
        first = await answer.json()
    assert [item["id"] for item in first["items"]] == ["a", "b"]
    for again in ("tag=a&tag=b", "tag=b&tag=a"):
        async with site.client.get(f"/v1/things?{again}&cursor={first['next']}") as answer:
            assert answer.status == 200
            second = await answer.json()
            assert second["items"][0]["n"] == 1
    async with site.client.get(f"/v1/things?tag=a&tag=b&cursor={second['next']}&limit=7") as answer:
        assert answer.status == 200
    for forged in ("x", "€", encode_cursor("a"), encode_cursor(1, 2), "A" * 5_000):
        async with site.client.get("/v1/things", params={"cursor": forged}) as answer:
            assert answer.status == 400, forged


async def test_a_cursor_belongs_to_the_list_that_was_asked_for(site: Site) -> None:
    async with site.client.get("/v1/things?tag=a&tag=b") as answer:
        cursor = (await answer.json())["next"]
    for other in ("/v1/things?", "/v1/things?tag=a&", "/v1/things?tag=a&tag=c&", "/v1/boxes/a/things?tag=a&tag=b&"):
        async with site.client.get(f"{other}cursor={cursor}") as answer:
            problem = await answer.json()
        assert (answer.status, problem["code"]) == (400, "invalid-parameter"), other
        assert [error["field"] for error in problem["errors"]] == ["cursor"]
        assert "filters" in problem["errors"][0]["message"]
    async with site.client.get("/v1/boxes/a/things") as answer:
        cursor = (await answer.json())["next"]
    async with site.client.get(f"/v1/boxes/b/things?cursor={cursor}") as answer:
        assert answer.status == 400


async def test_if_none_match_saves_the_body(site: Site) -> None:
    async with site.client.get("/v1/things/a") as answer:
        etag = answer.headers["ETag"]
    for seen in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        async with site.client.get("/v1/things/a", headers={"If-None-Match": seen}) as answer:
            assert answer.status == 304, seen
            assert await answer.read() == b""
            assert answer.headers["ETag"] == etag
    async with site.client.get("/v1/table", headers={"If-None-Match": '"v1"'}) as answer:
        assert answer.status == 304


async def test_what_is_long_travels_compressed_to_those_who_can_read_it(site: Site) -> None:
    async with site.client.get("/v1/long-table", headers={"Accept-Encoding": "gzip"}) as answer:
        assert (answer.headers["Content-Encoding"], answer.headers["ETag"]) == ("gzip", 'W/"v2"')
        assert int(answer.headers["Content-Length"]) < 200
        assert await answer.read() == b"a,b\n" * 2_000
    async with site.client.get("/v1/long-table", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert (answer.headers["Vary"], answer.headers["ETag"]) == ("Accept-Encoding", '"v2"')
    async with site.client.get("/v1/long-table", headers={"If-None-Match": 'W/"v2"'}) as answer:
        assert answer.status == 304


async def test_head_and_options(site: Site) -> None:
    async with site.client.head("/v1/things/a") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with site.client.options("/v1/things/a", headers={"Origin": "https://map.example"}) as answer:
        assert answer.status == 204
        assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"


async def test_other_sites_may_read_what_is_open_and_nothing_else(site: Site) -> None:
    async with site.client.get("/v1/things/a") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with site.client.post("/v1/things", json={}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("GET", "/v1/things/none", 404, "unknown-thing"),
        ("PATCH", "/v1/things/a", 405, "method-not-allowed"),
        ("POST", "/v1/things", 401, "unauthenticated"),
        ("GET", "/v1/boom", 500, "internal-error"),
    ],
)
async def test_every_refusal_is_a_problem_document(site: Site, method: str, path: str, status: int, code: str) -> None:
    async with site.client.request(method, path) as answer:
        problem = await answer.json()
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/problems/{code}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    async with site.client.get(problem["type"]) as about:
        assert (await about.json())["title"] == problem["title"]


async def test_members_of_a_problem_are_told(site: Site) -> None:
    async with site.client.get("/v1/things/none") as answer:
        problem = await answer.json()
    assert (problem["thing"], problem["detail"]) == ("none", "there is no thing none")


async def test_what_cannot_be_answered_in_json_is_not_acceptable(site: Site) -> None:
    for accept in ("image/png", "application/json;q=0"):
        async with site.client.get("/v1/things/a", headers={"Accept": accept}) as answer:
            assert (answer.status, (await answer.json())["available"]) == (406, ["application/json"])
    for accept in ("application/*", "text/html, application/json;q=0.5", "text/html, */*;q=0.1"):
        async with site.client.get("/v1/things/a", headers={"Accept": accept}) as answer:
            assert answer.status == 200, accept


async def test_scopes(serve: Serve, clock: ManualClock) -> None:
    made = new_api_key(clock.now())
    store = OneKey(StoredKey(made.key_id, "acme", made.secret_sha256))
    site = await serve(ThingsApi(), keys=store)
    async with site.client.put("/v1/things/a", json={"name": "a"}, headers=site.driver()) as answer:
        assert (answer.status, (await answer.json())["scope"]) == (403, "operate")
    for headers in ({"X-API-Key": made.text}, {"Authorization": f"Bearer {made.text}"}):
        async with site.client.put("/v1/things/a", json={"name": "a"}, headers=headers) as answer:
            assert (answer.status, (await answer.json())["n"]) == (200, 1)
    store.key = StoredKey(made.key_id, "acme", made.secret_sha256, revoked_at=clock.now())
    clock.advance(5)
    async with site.client.put("/v1/things/a", json={"name": "a"}, headers={"X-API-Key": made.text}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_no_secret_and_no_query_reaches_the_log(site: Site) -> None:
    headers = {**site.driver(), "X-API-Key": "bk_live_secret"}
    with capture_logs() as lines:
        async with site.client.get("/v1/boom?plate=A12345", headers=headers) as answer:
            assert answer.status == 500
        async with site.client.post("/v1/things", json={"name": 7, "plate": "A12345"}, headers=headers) as answer:
            assert answer.status == 401
    assert {line["event"] for line in lines} == {"request", "request failed"}
    text = json.dumps([{key: str(value) for key, value in line.items()} for line in lines])
    assert "A12345" not in text
    assert "bk_live_secret" not in text


async def test_a_caller_behind_a_proxy_is_slowed_down(serve: Serve, clock: ManualClock) -> None:
    site = await serve(ThingsApi(), options=WebOptions(rate_anonymous="2/minute", proxies=Proxies(LOCAL_NETWORKS)))
    statuses = []
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.1", "198.51.100.2"):
        async with site.client.get("/v1/things/a", headers={"X-Forwarded-For": f"6.6.6.6, {address}"}) as answer:
            statuses.append((answer.status, answer.headers.get("Retry-After")))
    assert statuses == [(200, None), (200, None), (429, "30"), (200, None)]
    clock.advance(30)
    async with site.client.get("/v1/things/a", headers={"X-Forwarded-For": "198.51.100.1"}) as answer:
        assert answer.status == 200


async def test_what_is_not_http_is_refused_and_not_quoted(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    with capture_logs() as lines:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sec\x01ret\r\n\r\n")
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert json.loads(body)["code"] == "bad-request"
    assert lines == [{"event": "not http", "error": "BadHttpMessage", "log_level": "info"}]
