"""Same key, one effect: on a real database, through the real edge."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from kernel.clock import ManualClock
from kernel.db import Database, Tx
from kernel.http import Caller, Created, operation
from kernel.idempotency import KEPT_FOR, purge
from kernel.problems import Problem
from tests.integration.kernel.conftest import Serve, Site

TABLE = "CREATE TABLE public.promise (number integer GENERATED ALWAYS AS IDENTITY, driver text, note text)"


class SoldOut(Problem):
    """Nothing is left"""

    status = 409
    slug = "sold-out"


class Wish(BaseModel):
    note: Annotated[str, Field(max_length=40)] = ""
    n: int = 0


class Promise(BaseModel):
    number: int
    note: str


class PromisesApi:
    """Holds a request open when its note says "slow", until `go` is set."""

    def __init__(self) -> None:
        self.sold_out = False
        self.undone = 0
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    @operation(
        post="/v1/promises",
        summary="Promise",
        scopes={"reserve"},
        idempotent=True,
        responses={201: Promise, 409: SoldOut},
    )
    async def make(self, tx: Tx, caller: Caller, wish: Wish) -> Created[Promise]:
        number = await tx.fetchval(
            "INSERT INTO public.promise (driver, note) VALUES ($1, $2) RETURNING number", caller.id, wish.note
        )
        if wish.note == "slow":
            self.started.set()
            await self.go.wait()
        if self.sold_out:
            raise SoldOut
        if self.undone:
            self.undone -= 1
            await tx.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")
        return Created(f"/v1/promises/{number}", Promise(number=number, note=wish.note), {"X-Number": str(number)})

    @operation(post="/v1/promises/{number}/cancel", summary="Cancel", scopes={"reserve"}, idempotent=True)
    async def cancel(self, tx: Tx, number: int) -> Promise:
        return Promise(number=number, note="cancelled")


@pytest.fixture
def api() -> PromisesApi:
    return PromisesApi()


@pytest.fixture
async def site(serve: Serve, database: Database, api: PromisesApi) -> AsyncIterator[Site]:
    async with database.transaction() as tx:
        await tx.execute(TABLE)
    yield await serve(api, database=database)


async def effects(database: Database) -> int:
    async with database.transaction() as tx:
        count: int = await tx.fetchval("SELECT count(*) FROM public.promise")
    return count


async def post(
    site: Site, body: bytes = b'{"note":"a","n":1}', *, key: str | None = "k1", driver: str = "ann", path: str = ""
) -> tuple[int, bytes, dict[str, str]]:
    headers = {**site.driver(driver), "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    async with site.client.post(f"/v1/promises{path}", data=body, headers=headers) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


async def test_the_first_answer_is_given_again_byte_for_byte(site: Site, database: Database) -> None:
    first = await post(site)
    again = await post(site, b' { "n" : 1, "note" : "a" } ')
    assert first[0] == 201
    assert again[:2] == first[:2]
    for name in ("Location", "X-Number", "Content-Type"):
        assert again[2][name] == first[2][name]
    assert "Idempotency-Replayed" not in first[2]
    assert again[2]["Idempotency-Replayed"] == "true"
    assert await effects(database) == 1


async def test_a_key_is_required_and_must_be_one(site: Site, database: Database) -> None:
    status, body, _ = await post(site, key=None)
    assert status == 400
    assert b"idempotency-key-missing" in body
    for key in ("", '""', "x" * 256, "ü"):
        status, body, _ = await post(site, key=key)
        assert status == 400, key
        assert b"invalid-parameter" in body
    assert await effects(database) == 0


async def test_a_quoted_key_is_the_same_key(site: Site, database: Database) -> None:
    await post(site, key="k1")
    await post(site, key='"k1"')
    assert await effects(database) == 1


async def test_the_key_does_not_stand_for_another_request(site: Site, database: Database) -> None:
    await post(site)
    status, body, _ = await post(site, b'{"note":"b"}')
    assert status == 422
    assert b"idempotency-key-reused" in body
    assert await effects(database) == 1


async def test_the_address_is_part_of_the_request(site: Site) -> None:
    assert (await post(site, path="/1/cancel"))[0] == 200
    assert (await post(site, path="/1/cancel"))[0] == 200
    assert (await post(site, path="/2/cancel"))[0] == 422


async def test_keys_belong_to_their_driver_and_operation(site: Site, database: Database) -> None:
    for driver in ("ann", "bob"):
        assert (await post(site, driver=driver))[0] == 201
    assert (await post(site, path="/1/cancel"))[0] == 200
    assert await effects(database) == 2


async def test_while_the_first_is_running_the_second_is_told_at_once(
    site: Site, database: Database, api: PromisesApi
) -> None:
    slow = b'{"note":"slow"}'
    running = asyncio.create_task(post(site, slow))
    await api.started.wait()
    async with asyncio.timeout(2):
        status, body, headers = await post(site, slow)
    assert (status, headers["Retry-After"]) == (409, "1")
    assert b"still-running" in body
    api.go.set()
    first = await running
    assert first[0] == 201
    assert (await post(site, slow))[:2] == first[:2]
    assert await effects(database) == 1


async def test_of_many_at_once_one_has_the_effect(site: Site, database: Database) -> None:
    answers = await asyncio.gather(*(post(site) for _ in range(30)))
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, body, _ in answers if status == 201}) == 1
    assert await effects(database) == 1


async def test_a_refusal_is_not_kept_because_nothing_happened(site: Site, database: Database, api: PromisesApi) -> None:
    api.sold_out = True
    assert (await post(site))[0] == 409
    assert await effects(database) == 0
    api.sold_out = False
    assert (await post(site))[0] == 201
    assert await effects(database) == 1


@pytest.mark.parametrize(("undone", "status"), [(2, 201), (3, 503)])
async def test_an_effect_that_the_database_undid_is_tried_again(
    site: Site, database: Database, api: PromisesApi, undone: int, status: int
) -> None:
    api.undone = undone
    answered, body, headers = await post(site)
    assert answered == status
    if status == 503:
        assert b"try-again" in body
        assert headers["Retry-After"] == "1"
    assert await effects(database) == (status == 201)


async def test_answers_are_forgotten_after_three_days(site: Site, database: Database, clock: ManualClock) -> None:
    await post(site, key="old")
    clock.advance(KEPT_FOR.total_seconds())
    await post(site, key="new")
    async with database.transaction() as tx:
        assert await purge(tx) == 0
    clock.advance(1)
    async with database.transaction() as tx:
        assert await purge(tx) == 1
    assert (await post(site, key="new"))[2]["Idempotency-Replayed"] == "true"
    assert await effects(database) == 2
