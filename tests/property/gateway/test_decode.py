"""Whatever a device sends: decoding never raises, and every event of a message is exactly one fact or one refusal."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.facts import CountSeen, PassageSeen, SpaceSeen, StatusSeen
from contracts.ids import CarParkId, SpaceNumber
from gateway.dead_letters import dead_letters_of
from gateway.decode import decode
from gateway.directory import Directory, KnownCarPark
from gateway.received import Received
from gateway.taken import Taken

RECEIVED_AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KINDS = ("spaces", "counts", "passages", "status", "acks")
DIRECTORY = Directory(
    [
        KnownCarPark(
            id=CarParkId("mall-1"),
            operator="op",
            capacity=100,
            revision="1",
            spaces={"B1-1": SpaceNumber(1), "B1-2": SpaceNumber(2)},
            zones={"B1": 50},
            lanes=frozenset({"E1"}),
        )
    ]
)

topics = st.one_of(
    st.sampled_from(KINDS).map(lambda kind: f"parking/v1/op/mall-1/{kind}"),
    st.builds("parking/v1/{}/{}/{}".format, st.text(), st.text(), st.text()),
    st.text(),
)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.one_of(
    st.datetimes(timezones=offsets).map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat()),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", ""]),
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | moments,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def loosely(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly what is expected, with anything in any place and any field missing."""
    return st.fixed_dictionaries({}, optional={name: good | anything for name, good in fields.items()})


events = loosely(
    space=st.sampled_from(["B1-1", "B1-2", "nowhere", "B1-1\0"]),
    state=st.sampled_from(["free", "occupied", "unknown", "out_of_service", "vacant"]),
    at=moments,
    seq=st.integers(-1, 2**54),
    epoch=st.text(max_size=70),
    battery=st.floats(),
)
counts = loosely(
    zone=st.sampled_from(["B1", "B9", ""]),
    capacity=st.integers(-1, 200),
    free=st.integers(-1, 200),
    occupied=st.integers(-1, 200),
    at=moments,
    seq=st.integers(0, 9),
)
passages = loosely(
    id=st.text(max_size=70),
    lane=st.sampled_from(["E1", "X9"]),
    direction=st.sampled_from(["entry", "exit", "both"]),
    vehicle=loosely(plate=st.text(), color=st.sampled_from(["blue", "pink"])),
    at=moments,
)
messages = st.one_of(
    st.lists(events, max_size=8).map(lambda listed: {"events": listed}),
    st.lists(counts, max_size=8).map(lambda listed: {"counts": listed}),
    st.lists(events | anything, max_size=8).map(lambda listed: {"events": listed}),
    events,
    counts,
    passages,
    anything,
)


def encoded(message: Any) -> bytes:
    try:
        return msgspec.json.encode(message)
    except (ValueError, OverflowError, UnicodeEncodeError):  # integers beyond 64 bits, lone surrogates
        return repr(message).encode("utf-8", "surrogatepass")


payloads = st.one_of(st.binary(max_size=200), messages.map(encoded))


@given(topic=topics, payload=payloads)
@example(topic="parking/v1/op/mall-1/spaces", payload=b"[" * 200_000)
@example(topic="parking/v1/op/mall-1/spaces", payload=b'{"events":' + b"[" * 200_000)
@example(topic="parking/v1/op/mall-1/spaces", payload=b'{"events":[' + b'{"a":' * 50_000)
@example(topic="parking/v1/op/mall-1/spaces", payload=b'{"space":"\\ud800","state":"free"}')
@example(topic="parking/v1/op/mall-1/spaces", payload=b'{"events":[{}],"events":[]}')
@example(topic="parking/v1/op/mall-1/counts", payload=b'{"free":1e999,"at":NaN}')
def test_decoding_never_raises_and_always_answers(topic: str, payload: bytes) -> None:
    said = decode(topic, payload, RECEIVED_AT, DIRECTORY)
    assert said.received or b"[]" in payload or b"[ ]" in payload
    facts: list[SpaceSeen | CountSeen | PassageSeen | StatusSeen] = [*said.spaces, *said.counts]
    facts += [*said.passages, *said.statuses]
    for fact in facts:
        assert fact.car_park == "mall-1"
        assert fact.at.tzinfo is UTC
        assert datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=1) <= fact.at <= fact.received_at == RECEIVED_AT


@given(kind=st.sampled_from(["spaces", "counts"]), listed=st.lists(events | counts | anything, max_size=10))
def test_every_event_of_a_list_is_one_fact_or_one_refusal(kind: str, listed: list[Any]) -> None:
    key = {"spaces": "events", "counts": "counts"}[kind]
    try:
        payload = msgspec.json.encode({key: listed})
    except (ValueError, OverflowError, UnicodeEncodeError):
        return
    said = decode(f"parking/v1/op/mall-1/{kind}", payload, RECEIVED_AT, DIRECTORY)
    whole = len(said.rejects) == 1 and said.rejects[0].index is None
    assert whole or said.received == len(listed)
    places = [reject.index for reject in said.rejects if reject.index is not None]
    assert places == sorted(set(places))


@given(topic=topics, payload=payloads)
def test_what_is_refused_is_a_dead_letter_that_a_database_can_store(topic: str, payload: bytes) -> None:
    message = Received(topic, payload, len(payload), 1, 1, False, 1, RECEIVED_AT)
    taken = Taken.of(message, decode(topic, payload, RECEIVED_AT, DIRECTORY))
    letters = dead_letters_of(taken)
    assert sum(letter.events for letter in letters) == taken.dead
    for letter in letters:
        for text in (letter.topic, letter.detail, letter.operator or "", letter.car_park or ""):
            assert "\0" not in text
            assert len(text.encode()) <= 1_500
        assert len(letter.payload) <= 65_536


@given(st.lists(events, min_size=1, max_size=6))
def test_refused_events_are_refused_again_and_nothing_else_when_replayed(listed: list[Any]) -> None:
    try:
        payload = msgspec.json.encode({"events": listed})
    except (ValueError, OverflowError, UnicodeEncodeError):
        return
    topic = "parking/v1/op/mall-1/spaces"
    taken = Taken.of(
        Received(topic, payload, len(payload), 1, 1, False, 1, RECEIVED_AT),
        decode(topic, payload, RECEIVED_AT, DIRECTORY),
    )
    for letter in dead_letters_of(taken):
        again = decode(topic, letter.payload, RECEIVED_AT, DIRECTORY)
        if letter.index is not None and letter.events < len(listed):
            assert {reject.reason for reject in again.rejects} == {letter.reason}
            assert (again.facts, len(again.rejects)) == (0, letter.events)
