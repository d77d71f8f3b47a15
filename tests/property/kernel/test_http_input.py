"""Whatever is sent, the edge answers with a value or with one of its problems, never with a defect."""

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import orjson
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter
from yarl import URL

from kernel.binding import plan_of
from kernel.edge_problems import InvalidParameter, MalformedBody
from kernel.json_body import INTEGER_MAX, Body, canonical_sha256, parse
from kernel.moments import YEAR_MAX, YEAR_MIN, Moment, wire_time
from kernel.pagination import decode_cursor, encode_cursor


class Wanted(BaseModel):
    name: str
    n: Annotated[int, Field(ge=0)] = 0
    at: Moment | None = None
    inner: list["Wanted"] = []


class Api:
    async def method(
        self, thing: str, n: Annotated[int, Field(ge=1)] = 1, at: datetime | None = None, ratio: float = 0.0
    ) -> None: ...


BODY = Body.of("wanted", Wanted, optional=False)
PLAN = plan_of(Api.method, "/{thing}")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
wanted_like = st.fixed_dictionaries(
    {}, optional={"name": json_values, "n": json_values, "at": json_values, "inner": st.lists(json_values, max_size=2)}
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(YEAR_MIN, 1, 2), datetime(YEAR_MAX, 12, 30), timezones=offsets)


def read(raw: bytes) -> Wanted | None:
    try:
        parsed = parse(raw)
        made: Wanted = BODY.validate(raw, parsed)
    except MalformedBody as problem:
        assert problem.members["errors"]
        orjson.dumps(problem.document())
        return None
    return made


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body_or_a_problem(raw: bytes) -> None:
    read(raw)


@given(wanted_like)
def test_any_json_is_a_body_or_a_problem(value: dict[str, Any]) -> None:
    try:
        raw = orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits is not written by orjson
        return
    made = read(raw)
    if made is not None:
        assert "\0" not in made.name
        assert abs(made.n) <= INTEGER_MAX


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_the_hash_ignores_order_and_space(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    try:
        spaced = orjson.dumps(backwards, option=orjson.OPT_INDENT_2)
    except TypeError:
        return
    assert canonical_sha256(orjson.loads(spaced)) == canonical_sha256(orjson.loads(orjson.dumps(value)))


@given(st.lists(st.tuples(st.sampled_from(["n", "at", "ratio", "x"]), st.text(max_size=30)), max_size=4))
def test_any_query_is_bound_or_refused_by_name(query: list[tuple[str, str]]) -> None:
    target = str(URL("/a").with_query(query))
    try:
        bound = PLAN.bind(make_mocked_request("GET", target, match_info={"thing": "a"}))
    except InvalidParameter as problem:
        named = {error["field"] for error in problem.members["errors"]}
        assert named
        assert named <= {name for name, _ in query}
        return
    assert bound["n"] >= 1
    assert bound["at"] is None or bound["at"].tzinfo is not None
    assert abs(bound["ratio"]) < float("inf")


@given(moments)
def test_a_moment_goes_out_and_comes_back_to_the_millisecond(moment: datetime) -> None:
    back = TypeAdapter(Moment).validate_python(wire_time(moment))
    assert 0 <= (moment - back).total_seconds() < 0.001
    assert TypeAdapter(Moment).validate_python(moment.isoformat()) == moment


@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), st.integers(0, 2**53))
def test_a_cursor_is_what_it_was_made_of(name: str, number: int) -> None:
    cursor = encode_cursor(name, number)
    try:
        assert decode_cursor(cursor, str, int) == (name, number)
    except InvalidParameter:
        assert len(cursor) > 1024


@given(st.text(max_size=60))
def test_any_cursor_is_read_or_refused(cursor: str) -> None:
    try:
        decode_cursor(cursor, str, (int, float))
    except InvalidParameter as problem:
        assert problem.members["errors"][0]["field"] == "cursor"
