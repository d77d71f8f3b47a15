"""What is kept of a refusal, how it is told, and how much of a flood is worth keeping."""

from datetime import UTC, datetime

import msgspec

from contracts.ids import CarParkId, SpaceNumber
from gateway.dead_letters import FLOOD_MAX, PAYLOAD_BYTES_MAX, DeadLetter, dead_letters_of, feedback, worth_keeping
from gateway.decode import decode
from gateway.directory import Directory, KnownCarPark
from gateway.received import Received
from gateway.refusals import Reason
from gateway.taken import Taken

AT = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
TOPIC = "parking/v1/op/mall-1/spaces"
DIRECTORY = Directory([KnownCarPark(CarParkId("mall-1"), "op", 9, "1", {"a": SpaceNumber(1)}, {}, frozenset())])


def taken(message: object, topic: str = TOPIC) -> Taken:
    payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
    return Taken.of(Received(topic, payload, len(payload), 1, 1, False, 1, AT), decode(topic, payload, AT, DIRECTORY))


def event(space: str, state: str = "free", **more: object) -> dict[str, object]:
    return {"space": space, "state": state, "at": "2026-11-23T08:00:00Z", **more}


def test_one_letter_a_reason_holding_just_the_refused_events() -> None:
    letters = dead_letters_of(taken({"events": [event("x"), event("a"), event("a", "vacant"), event("y")]}))
    kept = {letter.reason: letter for letter in letters}
    assert [one["space"] for one in msgspec.json.decode(kept[Reason.UNKNOWN_SPACE].payload)["events"]] == ["x", "y"]
    assert (kept[Reason.UNKNOWN_SPACE].index, kept[Reason.UNKNOWN_SPACE].events) == (0, 2)
    assert kept[Reason.UNKNOWN_STATE].index == 2
    assert "(and 1 more)" in kept[Reason.UNKNOWN_SPACE].detail


def test_a_message_of_which_all_was_refused_is_kept_as_it_came() -> None:
    payload = b'{ "events" : [' + msgspec.json.encode(event("x")) + b"] }"
    (letter,) = dead_letters_of(taken(payload))
    assert (letter.payload, letter.events) == (payload, 1)


def test_what_is_too_much_for_one_letter_becomes_several() -> None:
    letters = dead_letters_of(taken({"events": [event("x" * 32, seq=number) for number in range(2_000)]}))
    assert len(letters) > 1
    assert sum(letter.events for letter in letters) == 2_000
    assert all(len(letter.payload) <= PAYLOAD_BYTES_MAX for letter in letters)
    assert len({letter.sha256 for letter in letters}) == len(letters)


def test_the_feedback_says_which_and_why_in_milliseconds() -> None:
    (letter,) = dead_letters_of(taken({"events": [event("a"), event("x")]}))
    told = msgspec.json.decode(feedback(letter))
    assert told == {
        "topic": TOPIC,
        "reason": "unknown_space",
        "detail": "car park 'mall-1' has no space 'x'",
        "at": "2026-11-23T08:00:00.123Z",
        "sha256": letter.message_sha256,
        "index": 1,
        "refused": 1,
    }


def test_a_nameless_topic_is_kept_without_names() -> None:
    (letter,) = dead_letters_of(taken(b"{}", topic="some/where\0" + "x" * 1_000))
    assert (letter.operator, letter.car_park, letter.booked) == (None, None, False)
    assert len(letter.topic) == 300
    assert "\0" not in letter.topic


def letters_of(count: int, reason: Reason) -> list[DeadLetter]:
    (letter,) = dead_letters_of(taken(event("x")))
    return [msgspec.structs.replace(letter, sha256=f"{number:064}", reason=reason) for number in range(count)]


def test_the_same_twice_is_one_row_and_a_flood_is_cut_but_not_our_own_failures() -> None:
    same = letters_of(1, Reason.UNKNOWN_SPACE) * 7
    assert [count for _, count in worth_keeping(same)] == [7]
    flood = letters_of(FLOOD_MAX + 50, Reason.UNKNOWN_SPACE)
    assert len(worth_keeping(flood)) == FLOOD_MAX
    assert len(worth_keeping(letters_of(FLOOD_MAX + 50, Reason.HANDLER_FAILED))) == FLOOD_MAX + 50
