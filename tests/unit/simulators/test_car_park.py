"""What a car park's devices say."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from contracts.wire import CountsMessage, PassageMessage, SpacesMessage, StatusMessage
from simulators.car_park import CarPark, Change, Message
from simulators.layout import Counter, Layout

AT = datetime(2026, 11, 23, tzinfo=UTC)
LABELLED = Layout(4, ["1", "2", "3", "4"], ())
ZONED = Layout(5, [None] * 5, [Counter("A", 3, 0, 3), Counter("B", 2, 3, 5)])
LANES = Layout(3, [None] * 3, [Counter(None, 3, 0, 3)], ["E1"], ["X1"])


def _counts(message: Message) -> list[tuple[str | None, int | None, int | None, int | None, int | None]]:
    reports = msgspec.json.decode(message.payload, type=CountsMessage).counts
    return [
        (r.zone, r.occupied if r.free is None else (r.capacity or 0) - r.free, r.entered, r.left, r.seq)
        for r in reports
    ]


def test_sensors_number_their_words_and_a_restart_begins_again() -> None:
    car_park = CarPark("o", "x", LABELLED, started=AT)
    taken = np.array([True, False, False, True])
    first, nothing = car_park.snapshot(taken, AT)
    assert [(event.space, event.state, event.seq) for event in first] == [
        ("1", "occupied", 1),
        ("2", "free", 1),
        ("3", "free", 1),
        ("4", "occupied", 1),
    ]
    assert nothing == []
    (changed,), _ = car_park.changed([Change(1, True, AT, 7)])
    assert (changed.space, changed.state, changed.seq, changed.epoch) == ("2", "occupied", 2, first[0].epoch)
    car_park.restart(AT + timedelta(seconds=1))
    again, _ = car_park.snapshot(taken, AT + timedelta(seconds=1))
    assert {event.seq for event in again} == {1}
    assert (again[0].epoch or "") > (first[0].epoch or "")


def test_counters_add_up_and_tell_only_when_something_moved() -> None:
    car_park = CarPark("o", "x", ZONED, started=AT)
    _, (snapshot,) = car_park.snapshot(np.array([True, False, False, True, False]), AT)
    assert _counts(snapshot) == [("A", 1, 1, 0, 1), ("B", 1, 1, 0, 1)]
    assert snapshot.topic == "parking/v1/o/x/counts"
    _, (moved,) = car_park.changed([Change(1, True, AT, 1), Change(0, False, AT, 2), Change(2, True, AT, 3)])
    assert _counts(moved) == [("A", 2, 3, 1, 2)]
    assert car_park.changed([]) == ([], [])


def test_cameras_tell_every_passage_with_a_plate_of_its_own_id() -> None:
    car_park = CarPark("o", "x", LANES, started=AT)
    _, messages = car_park.changed([Change(0, True, AT, 1), Change(0, False, AT, 1)])
    entry, left = [msgspec.json.decode(message.payload, type=PassageMessage) for message in messages]
    assert (entry.lane, entry.direction, left.lane, left.direction) == ("E1", "entry", "X1", "exit")
    assert entry.vehicle == left.vehicle
    assert entry.vehicle is not None
    assert entry.id != left.id


def test_a_large_car_park_speaks_in_several_messages() -> None:
    layout = Layout(4_500, [f"S{number:04}" for number in range(4_500)], ())
    car_park = CarPark("o", "x", layout, started=AT)
    events, _ = car_park.snapshot(np.zeros(4_500, dtype=np.bool_), AT)
    messages = list(car_park.spaces(events))
    told = [msgspec.json.decode(message.payload, type=SpacesMessage).events for message in messages]
    assert [len(each) for each in told] == [2_000, 2_000, 500]
    assert max(len(message.payload) for message in messages) < 300_000


def test_a_space_out_of_service_stays_so_whatever_parks_there() -> None:
    layout = Layout(3_000, [f"S{number:04}" for number in range(3_000)], ())
    car_park = CarPark("o", "x", layout, started=AT)
    events, _ = car_park.snapshot(np.ones(3_000, dtype=np.bool_), AT)
    out = [number for number, event in enumerate(events) if event.state == "out_of_service"]
    assert 0 < len(out) < 20
    assert car_park.changed([Change(out[0], False, AT, 1)]) == ([], [])


def test_status_is_retained() -> None:
    message = CarPark("o", "x", ZONED, started=AT).status(AT, online=False)
    assert message.retain
    assert msgspec.json.decode(message.payload, type=StatusMessage) == StatusMessage(False, AT, "berth-simulator")
