"""What waits to be published is bounded, and the newest word wins."""

from datetime import UTC, datetime

from gateway.outbox import Delivery, Outbox, Outgoing


def latest(topic: str, word: bytes) -> Outgoing:
    return Outgoing(topic, lambda: word, retain=True)


def other(word: bytes) -> Outgoing:
    return Outgoing("errors", lambda: word, retain=False)


def drained(outbox: Outbox) -> list[bytes]:
    taken = []
    while (outgoing := outbox.take()) is not None:
        taken.append(outgoing.make())
    return taken


def test_only_the_newest_availability_of_a_topic_waits_and_keeps_its_place() -> None:
    outbox = Outbox(others_max=5)
    outbox.put_latest(latest("a", b"a1"))
    outbox.put_latest(latest("b", b"b1"))
    outbox.put_latest(latest("a", b"a2"))
    assert drained(outbox) == [b"a2", b"b1"]


def test_feedback_goes_first_and_the_oldest_gives_way() -> None:
    outbox = Outbox(others_max=2)
    outbox.put_latest(latest("a", b"a1"))
    for word in (b"1", b"2", b"3"):
        outbox.put(other(word))
    assert outbox.dropped == 1
    assert drained(outbox) == [b"2", b"3", b"a1"]


def test_what_a_lost_connection_leaves_is_sent_first_unless_something_newer_waits() -> None:
    outbox = Outbox(others_max=3)
    outbox.put_latest(latest("a", b"a2"))
    outbox.put_latest(latest("c", b"c1"))
    outbox.put(other(b"3"))
    outbox.give_back([latest("a", b"a1"), latest("b", b"b1"), other(b"1"), other(b"2")])
    assert drained(outbox) == [b"1", b"2", b"3", b"b1", b"a2", b"c1"]


def test_giving_back_more_than_there_is_room_for_keeps_the_newest() -> None:
    outbox = Outbox(others_max=2)
    outbox.put(other(b"3"))
    outbox.give_back([other(b"1"), other(b"2")])
    assert drained(outbox) == [b"2", b"3"]


def order(name: str, settled: list[tuple[str, Delivery]]) -> Outgoing:
    return Outgoing(
        "orders",
        name.encode,
        retain=False,
        deadline=datetime(2026, 11, 23, tzinfo=UTC),
        settle=lambda delivery: settled.append((name, delivery)),
    )


def test_what_has_a_deadline_goes_back_to_whoever_gave_it_and_is_never_sent_again() -> None:
    outbox = Outbox(others_max=5)
    settled: list[tuple[str, Delivery]] = []
    outbox.put(other(b"1"))
    outbox.put(order("waited", settled))
    outbox.give_back([order("in flight", settled), other(b"0")])
    assert settled == [("waited", Delivery.LOST), ("in flight", Delivery.LOST)]
    assert drained(outbox) == [b"0", b"1"]


def test_a_flood_of_refusals_does_not_hold_up_a_barrier() -> None:
    outbox = Outbox(others_max=1)
    settled: list[tuple[str, Delivery]] = []
    outbox.put(order("barrier", settled))
    for word in (b"1", b"2", b"3"):
        outbox.put(other(word))
    assert drained(outbox) == [b"barrier", b"3"]
    assert not settled
    outbox.put(order("oldest", settled))
    outbox.put(order("newest", settled))
    assert settled == [("oldest", Delivery.LOST)]
