"""The edge over a real socket: what callers send, what they get, what never leaks."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field
from structlog.testing import capture_logs

from kernel.addresses import LOCAL_NETWORKS, Proxies
from kernel.api_keys import StoredKey, new_api_key
from kernel.clock import ManualClock
from kernel.http import (
    Caller,
    Created,
    Header,
    Moment,
    NoContent,
    Page,
    Raw,
    decode_cursor,
    encode_cursor,
    operation,
)
from kernel.problems import Problem
from kernel.webserver import WebOptions
from tests.integration.kernel.conftest import Serve, Site

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


class NoSuchThing(Problem):
    """The thing is not known"""

    status = 404
    slug = "unknown-thing"


class Thing(BaseModel):
    id: str
    at: datetime = MIDNIGHT
    n: int | None = None


class ThingIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=20)]
    n: Annotated[int, Field(ge=0, le=100)] = 0
    at: Moment | None = None
    share: float = 0.0


class ThingsApi:
    @operation(
        get="/v1/things/{thing}", summary="One thing", responses={200: Thing}, problems=(NoSuchThing,), etag=True
    )
    async def one(self, thing: str, n: Annotated[int, Field(ge=1, le=5)] = 3, at: datetime | None = None) -> Thing:
        if thing == "none":
            raise NoSuchThing("there is no thing none", thing=thing)
        return Thing(id=thing, n=n, at=at or MIDNIGHT)

    @operation(get="/v1/things", summary="Things", responses={200: Page[Thing]})
    async def many(
        self, cursor: str | None = None, tag: list[str] | None = None, limit: int | None = None
    ) -> Page[Thing]:
        after = 0 if cursor is None else decode_cursor(cursor, int)[0]
        return Page(items=[Thing(id=name, n=after) for name in tag or []], next=encode_cursor(after + 1))

    @operation(get="/v1/boxes/{box}/things", summary="Things of a box", responses={200: Page[Thing]})
    async def boxed(self, box: str, cursor: str | None = None, tag: list[str] | None = None) -> Page[Thing]:
        return await self.many(cursor, tag)

    @operation(post="/v1/things", summary="Make a thing", scopes={"reserve"}, responses={201: Thing})
    async def make(
        self, caller: Caller, wanted: ThingIn, flavour: Annotated[str | None, Header("X-Flavour")] = None
    ) -> Created[Thing]:
        return Created(f"/v1/things/{wanted.name}", Thing(id=f"{caller.id}:{flavour}", n=wanted.n))

    @operation(
        put="/v1/things/{thing}", summary="Set", scopes={"operate"}, responses={200: Thing}, body_bytes_max=2_000
    )
    async def put(self, caller: Caller, thing: str, wanted: ThingIn) -> Thing:
        return Thing(id=thing, n=1 if caller.may_manage("acme") else 0)

    @operation(delete="/v1/things/{thing}", summary="Drop", scopes={"reserve"}, responses={204: None})
    async def drop(self, thing: str) -> NoContent:
        return NoContent()

    @operation(get="/v1/boom", summary="A defect", responses={200: Thing})
    async def boom(self, plate: str = "") -> Thing:
        raise ZeroDivisionError

    @operation(get="/v1/table", summary="A table", responses={200: "text/csv"})
    async def table(self) -> Raw:
        return Raw(b"a,b\n", "text/csv", etag="v1")

    @operation(get="/v1/long-table", summary="A long table", responses={200: "text/csv"})
    async def long_table(self) -> Raw:
        return Raw(b"a,b\n" * 2_000, "text/csv", etag="v2")


class OneKey:
    """A store of one key, which can be replaced."""

    def __init__(self, key: StoredKey) -> None:
        self.key = key

    async def find(self, key_id: str) -> StoredKey | None:
        return self.key if key_id == self.key.id else None


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
