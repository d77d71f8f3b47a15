"""From a signature to the arguments of a call, without a socket."""

import enum
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NewType

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import AwareDatetime, BaseModel, Field

from kernel.binding import LIST_ITEMS_MAX, Header, Plan, plan_of
from kernel.callers import Caller
from kernel.db import Tx
from kernel.edge_problems import InvalidParameter
from kernel.http import operation, operations_of
from kernel.moments import Moment

ThingId = NewType("ThingId", str)
Number = NewType("Number", int)


class Datum(enum.StrEnum):
    WGS84 = "wgs84"
    GCJ02 = "gcj02"


class Body(BaseModel):
    name: str


class Naive(BaseModel):
    inner: list[dict[str, datetime]]


def bind(plan: Plan, target: str, /, path: dict[str, str] | None = None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return plan.bind(make_mocked_request("GET", target, headers=named, match_info=path or {}))


def refused(plan: Plan, target: str, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidParameter) as problem:
        bind(plan, target, **more)
    assert problem.value.status == 400
    return [(each["in"], each["field"]) for each in problem.value.members["errors"]]


class Api:
    async def everything(
        self,
        caller: Caller,
        request: web.Request,
        thing: ThingId,
        body: Body,
        number: Number = Number(3),
        datum: Datum = Datum.WGS84,
        ratio: Annotated[float | None, Field(ge=0)] = None,
        deep: bool = False,
        at: datetime | None = None,
        until: AwareDatetime | None = None,
        from_: Moment | None = None,
        tag: list[str] | None = None,
        step: Literal["raw", "PT15M"] = "raw",
        trace: Annotated[str | None, Header("X-Trace")] = None,
    ) -> None: ...


PLAN = plan_of(Api.everything, "/v1/things/{thing}")


def test_each_parameter_comes_from_its_place() -> None:
    assert PLAN.handed_in == {"caller", "request"}
    assert PLAN.body is not None
    assert PLAN.body.name == "body"
    assert {each.wire: each.where for each in PLAN.parameters} == {
        "thing": "path",
        "number": "query",
        "datum": "query",
        "ratio": "query",
        "deep": "query",
        "at": "query",
        "until": "query",
        "from": "query",
        "tag": "query",
        "step": "query",
        "X-Trace": "header",
    }


def test_values_have_their_types() -> None:
    query = "number=7&datum=gcj02&ratio=1e-3&deep=true&from=2026-11-23T08:00:00%2B08:00&tag=a&tag=b&step=PT15M"
    bound = bind(PLAN, f"/?{query}", {"thing": "x"}, X_Trace="t")
    assert bound == {
        "thing": "x",
        "number": 7,
        "datum": Datum.GCJ02,
        "ratio": 0.001,
        "deep": True,
        "at": None,
        "until": None,
        "from_": datetime(2026, 11, 23, tzinfo=UTC),
        "tag": ["a", "b"],
        "step": "PT15M",
        "trace": "t",
    }


def test_what_is_not_given_has_its_default() -> None:
    bound = bind(PLAN, "/", {"thing": "x"})
    assert (bound["number"], bound["datum"], bound["deep"], bound["tag"]) == (3, Datum.WGS84, False, None)


@pytest.mark.parametrize(
    "query",
    [
        "number=1.0",
        "number=+1",
        "number=١",
        "number=1&number=1",
        "datum=GCJ02",
        "datum=",
        "ratio=nan",
        "ratio=inf",
        "ratio=1e999",
        "ratio=-1",
        "ratio=0x1",
        "deep=yes",
        "deep=1",
        "at=2026-11-23",
        "at=2026-11-23T08:00:00",
        "at=1763856000",
        "at=2026-02-30T08:00:00Z",
        "until=2026-11-23T08:00:00",
        "from=0001-01-01T00:00:00Z",
        "step=PT1M",
        "tag=a%00",
    ],
)
def test_what_is_misspelt_is_refused_by_name(query: str) -> None:
    assert refused(PLAN, f"/?{query}", path={"thing": "x"}) == [("query", query.split("=", maxsplit=1)[0])]


def test_a_nul_in_the_path_is_refused() -> None:
    assert refused(PLAN, "/", path={"thing": "a\0"}) == [("path", "thing")]


def test_a_list_is_bounded() -> None:
    query = "&".join(["tag=a"] * (LIST_ITEMS_MAX + 1))
    assert refused(PLAN, f"/?{query}", path={"thing": "x"}) == [("query", "tag")]


def test_what_is_required_is_missed_and_what_is_unknown_is_named_once() -> None:
    async def method(car_park: str, at: datetime) -> None: ...

    assert refused(plan_of(method, "/"), "/?zone=1&zone=2") == [
        ("query", "car_park"),
        ("query", "at"),
        ("query", "zone"),
    ]


def test_what_was_sent_is_shown_but_not_all_of_it_and_no_header() -> None:
    async def method(n: int, key: Annotated[int, Header("X-Key")]) -> None: ...

    with pytest.raises(InvalidParameter) as problem:
        bind(plan_of(method, "/"), "/?n=" + "x" * 5_000, X_Key="secret")
    first, second = problem.value.members["errors"]
    assert len(first["got"]) < 100
    assert "secret" not in str(second)


def test_signatures_that_break_the_rules_cannot_be_mounted() -> None:
    async def untyped(thing) -> None: ...  # type: ignore[no-untyped-def]  # the point of this test

    async def two_bodies(a: Body, b: Body) -> None: ...

    async def naive_time(body: Naive) -> None: ...

    async def no_path() -> None: ...

    for method, template, why in (
        (untyped, "/", "no type"),
        (two_bodies, "/", "a body already"),
        (naive_time, "/", "Moment"),
        (no_path, "/{thing}", "no parameter for thing"),
    ):
        with pytest.raises(TypeError, match=why):
            plan_of(method, template)


def test_operations_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(TypeError, match="exactly one"):
        operation(get="/", post="/", summary="")
    with pytest.raises(TypeError, match="exactly one"):
        operation(summary="")
    with pytest.raises(TypeError, match="needs scopes"):
        operation(post="/", summary="", idempotent=True)

    class NoTx:
        @operation(post="/", summary="", idempotent=True, scopes={"reserve"})
        async def make(self) -> None: ...

    class StrayTx:
        @operation(post="/", summary="")
        async def make(self, tx: Tx) -> None: ...

    for api in (NoTx(), StrayTx()):
        with pytest.raises(TypeError, match="tx"):
            operations_of(api)


def test_what_a_device_adds_to_its_address_is_passed_over() -> None:
    async def listen(thing: str, number: int = 3) -> None: ...

    plan = plan_of(listen, "/{thing}")
    request = make_mocked_request("GET", "/a?sid=1&number=4", match_info={"thing": "a"})
    assert plan.bind(request, lenient=True) == {"thing": "a", "number": 4}
    assert refused(plan, "/a?sid=1", path={"thing": "a"}) == [("query", "sid")]
