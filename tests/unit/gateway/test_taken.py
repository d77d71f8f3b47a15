"""The queue is bounded in messages and in bytes, and hands out whole messages in order."""

from datetime import UTC, datetime

from gateway.events import Decoded
from gateway.received import Received
from gateway.refusals import Reason, Reject
from gateway.taken import Queue, Taken


def taken(events: int, payload: bytes = b"{}", mid: int = 0) -> Taken:
    message = Received("t", payload, len(payload), 1, mid, False, 1, datetime(2026, 11, 23, tzinfo=UTC))
    return Taken.of(message, Decoded(None, rejects=(Reject(Reason.EMPTY, ""),) * events))


def test_a_batch_holds_whole_messages_up_to_its_events_and_at_least_one() -> None:
    queue = Queue(messages_max=100, bytes_max=10**9)
    for mid, events in enumerate((3, 3, 3, 50, 1)):
        queue.put(taken(events, mid=mid))
    sizes = []
    while queue:
        sizes.append([one.message.mid for one in queue.take(events_max=7, messages_max=10)])
    assert sizes == [[0, 1], [2], [3], [4]]
    assert (queue.events, queue.weight_bytes) == (0, 0)


def test_it_is_full_by_messages_or_by_bytes_and_roomy_again_at_half() -> None:
    queue = Queue(messages_max=4, bytes_max=5_000)
    for _ in range(4):
        assert not queue.full
        queue.put(taken(0))
    assert queue.full
    queue.take(events_max=1, messages_max=2)
    assert queue.roomy

    large = Queue(messages_max=100, bytes_max=5_000)
    large.put(taken(0, b"x" * 6_000))
    assert large.full
    assert not large.roomy
