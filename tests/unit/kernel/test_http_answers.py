"""What operations return, as bytes; moments, cursors and rates."""

import enum
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import orjson
import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from kernel.access_problems import TooManyRequests
from kernel.answers import Created, NoContent, Raw, answer, dump
from kernel.clock import ManualClock
from kernel.edge_problems import InvalidParameter
from kernel.faults import fault
from kernel.moments import Moment, wire_time
from kernel.pagination import Page, decode_cursor, encode_cursor
from kernel.rates import Limiter, Rate

SHENYANG = timezone(timedelta(hours=8))


class Kind(enum.StrEnum):
    MALL = "mall"


class Inner(BaseModel):
    at: Moment
    from_: Annotated[datetime, Field(serialization_alias="from")]


class Outer(BaseModel):
    inner: list[Inner]
    by_kind: dict[Kind, int]
    day: date
    price: Decimal
    tags: frozenset[str]


def test_times_are_utc_with_milliseconds_wherever_they_stand() -> None:
    at = datetime(2026, 11, 23, 8, 0, 0, 123_999, tzinfo=SHENYANG)
    outer = Outer(
        inner=[Inner(at=at, from_=at)],
        by_kind={Kind.MALL: 1},
        day=date(2026, 11, 23),
        price=Decimal("1.50"),
        tags=frozenset({"b", "a"}),
    )
    assert orjson.loads(dump(outer)) == {
        "inner": [{"at": "2026-11-23T00:00:00.123Z", "from": "2026-11-23T00:00:00.123Z"}],
        "by_kind": {"mall": 1},
        "day": "2026-11-23",
        "price": "1.50",
        "tags": ["a", "b"],
    }
    assert outer.model_dump(mode="json")["inner"][0]["at"] == "2026-11-23T00:00:00.123Z"


def test_what_has_no_json_form_is_a_defect() -> None:
    with pytest.raises(TypeError):
        dump({"x": object()})


def test_answers() -> None:
    page = Page[int](items=[1], next=None)
    made = answer(Created("/x", page, {"X-A": "1"}), status=200)
    assert (made.status, made.headers["Location"], made.headers["X-A"]) == (201, "/x", "1")
    assert answer(NoContent(), status=200).status == 204
    raw = answer(Raw(b"x", "text/csv", etag="v", charset="utf-8"), status=200)
    assert raw.headers == {"Content-Type": "text/csv; charset=utf-8", "ETag": '"v"'}
    assert answer(page, status=202).status == 202
    first, second = answer(page, status=200, etag=True), answer(page, status=200, etag=True)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert orjson.loads(first.body) == {"items": [1], "next": None}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T08:00:00+08:00", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23t00:00:00z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23 00:00Z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T00:00:00.123456789Z", datetime(2026, 11, 23, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-11-23T08:00:00 08:00", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    read = TypeAdapter(Moment).validate_python(text)
    assert read == moment
    assert read.tzinfo == UTC


@pytest.mark.parametrize(
    "text", ["", "now", "2026-11-23", "2026-11-23T24:01:00Z", "2026-13-01T00:00:00Z", 0, 1.5, None]
)
def test_what_is_no_moment_is_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(text)


def test_a_moment_keeps_its_instant_over_the_wire() -> None:
    at = datetime(2026, 11, 23, 1, 2, 3, 4_000, tzinfo=SHENYANG)
    assert TypeAdapter(Moment).validate_python(wire_time(at)) == at


def test_a_cursor_is_what_it_was_made_of() -> None:
    parts = ("sy-heping-017", 3, 1.5, None)
    assert decode_cursor(encode_cursor(*parts), str, int, float, type(None)) == parts
    assert decode_cursor(encode_cursor(2), (int, float)) == (2,)


@pytest.mark.parametrize("cursor", ["", "%", "AAAA", encode_cursor(True), encode_cursor("a\0"), encode_cursor(), "ü"])
def test_a_forged_cursor_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        decode_cursor(cursor, (str, int))
    assert refused.value.members["errors"][0]["field"] == "cursor"


def test_a_fault_shows_scalars_only() -> None:
    assert "got" not in fault("body", "x", "no", {"plate": "A"})
    assert "got" not in fault("body", "x", "no", float("inf"))
    assert fault("body", "x", "no", 10**30)["got"] == str(10**30)


def test_a_burst_then_an_even_pace() -> None:
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    limiter = Limiter(clock, Rate.of("3/minute"))
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("a")
    assert refused.value.headers["Retry-After"] == "20"
    limiter.take("b")
    clock.advance(20)
    limiter.take("a")
    with pytest.raises(TooManyRequests):
        limiter.take("a")
    clock.advance(60)
    for _ in range(3):
        limiter.take("a")


def test_a_rate_is_spelled_as_limits_spells_it() -> None:
    assert Rate.of("10/2 seconds") == Rate(10, 2.0)
    with pytest.raises(ValueError, match=r".+"):
        Rate.of("many")
