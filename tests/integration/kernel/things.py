"""An API of things, which the tests of the edge call."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kernel.api_keys import StoredKey
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
