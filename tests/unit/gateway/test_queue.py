"""Car parks take turns in the queue, it is bounded in messages and bytes, and it hands out whole messages in order."""

from datetime import UTC, datetime

from contracts.ids import CarParkId
from gateway.directory import KnownCarPark
from gateway.events import Decoded
from gateway.queue import SHARE_MAX, Queue
from gateway.received import Received
from gateway.refusals import Reason, Reject
from gateway.taken import Taken

TOPIC = "parking/v1/op/new/spaces"


def taken(events: int, payload: bytes = b"{}", mid: int = 0, car_park: str | None = None, topic: str = TOPIC) -> Taken:
    message = Received(topic, payload, len(payload), 1, mid, False, 1, datetime(2026, 11, 23, tzinfo=UTC))
    who = None if car_park is None else KnownCarPark(CarParkId(car_park), "op", 10, "", {}, {}, frozenset())
    return Taken.of(message, Decoded(who, rejects=(Reject(Reason.EMPTY, ""),) * events))


def mids(batch: list[Taken]) -> list[int]:
    return [one.message.mid for one in batch]


def test_a_batch_holds_whole_messages_up_to_its_events_and_at_least_one() -> None:
    queue = Queue(messages_max=100, bytes_max=10**9)
    for mid, events in enumerate((3, 3, 3, 50, 1)):
        queue.put(taken(events, mid=mid, car_park=f"p{mid}"))
    batches = []
    while queue:
        batch = queue.take(events_max=7, messages_max=10)
        batches.append(mids(batch))
        queue.release(batch)
    assert batches == [[0, 1], [2], [3], [4]]
    assert (queue.events, queue.weight_bytes) == (0, 0)


def test_who_is_in_a_batch_has_no_turn_until_it_is_stored() -> None:
    queue = Queue(messages_max=100, bytes_max=10**9)
    for mid, car_park in enumerate("aab"):
        queue.put(taken(1, mid=mid, car_park=car_park))
    first = queue.take(events_max=1, messages_max=2)
    assert mids(first) == [0]
    queue.put(taken(1, mid=3, car_park="a"))
    assert mids(queue.take(events_max=10, messages_max=10)) == [2]
    assert not queue.takeable
    queue.release(first)
    assert mids(queue.take(events_max=10, messages_max=10)) == [1, 3]


def test_a_flood_leaves_room_for_the_others() -> None:
    queue = Queue(messages_max=10**6, bytes_max=10**12)
    for mid in range(5 * SHARE_MAX):
        queue.put(taken(1, mid=mid, car_park="flood"))
    for number in range(100):
        queue.put(taken(1, mid=-number, car_park=f"p{number}"))
    flood = [one for one in queue.take(events_max=5_000, messages_max=5_000) if one.source == "flood"]
    assert len(flood) == SHARE_MAX
    assert len(queue) == 4 * SHARE_MAX


def test_strangers_are_one_line() -> None:
    queue = Queue(messages_max=100, bytes_max=10**9)
    for mid in range(3):
        queue.put(taken(1, mid=mid))
    queue.take(events_max=2, messages_max=2)
    assert not queue.takeable


def test_whoever_becomes_known_stays_behind_what_he_said_as_a_stranger() -> None:
    queue = Queue(messages_max=100, bytes_max=10**9)
    queue.put(taken(1, mid=1))
    queue.put(taken(1, mid=2, car_park="new"))
    first = queue.take(events_max=1, messages_max=1)
    queue.put(taken(1, mid=3, car_park="new"))
    assert (mids(first), queue.takeable) == ([1], False)
    queue.release(first)
    second = queue.take(events_max=10, messages_max=10)
    assert mids(second) == [2, 3]
    queue.release(second)
    queue.put(taken(1, mid=4))
    queue.put(taken(1, mid=5, car_park="new", topic="v3/app/devices/other/up"))
    assert mids(queue.take(events_max=1, messages_max=1)) == [4]
    assert mids(queue.take(events_max=1, messages_max=1)) == [5], "another speaker waits for nobody"


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
