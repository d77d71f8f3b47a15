"""What waits to be published is bounded, and the newest word wins."""

from gateway.outbox import Outbox, Outgoing


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
