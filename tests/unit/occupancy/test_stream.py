"""Who changed since when."""

import asyncio
from datetime import UTC, datetime

import pytest

from contracts.ids import CarParkId
from occupancy import stream as module
from occupancy.stream import Stream

A, B, C = CarParkId("a"), CarParkId("b"), CarParkId("c")


@pytest.fixture
def stream() -> Stream:
    return Stream(datetime(2026, 11, 23, tzinfo=UTC))


def flush(stream: Stream, *car_parks: CarParkId) -> None:
    for car_park in car_parks:
        stream.changed(car_park)
    stream.flush()


def test_what_was_missed_is_each_once(stream: Stream) -> None:
    flush(stream, A, B)
    flush(stream, B, C)
    assert set(stream.since(0) or ()) == {A, B, C}
    assert set(stream.since(1) or ()) == {B, C}
    assert stream.since(2) == ()


def test_nothing_changed_is_no_delta(stream: Stream) -> None:
    flush(stream)
    assert stream.number == 0


def test_what_is_too_long_ago_is_not_known(stream: Stream) -> None:
    for _ in range(module.DELTAS_MAX + 1):
        flush(stream, A)
    assert stream.since(0) is None
    assert stream.since(1) is not None
    assert stream.since(stream.number + 1) is None


@pytest.mark.parametrize("event_id", [None, "", "7", "other-1", "-1", "{epoch}-", "{epoch}-x", "{epoch}-1-2"])
def test_ids_of_others_are_nobodys(stream: Stream, event_id: str | None) -> None:
    assert stream.number_of(event_id and event_id.format(epoch=stream.epoch)) is None


def test_an_id_names_its_delta(stream: Stream) -> None:
    assert stream.number_of(stream.id_of(17)) == 17


async def test_readers_wake_with_a_delta(stream: Stream) -> None:
    reader = asyncio.create_task(stream.beyond(0))
    flush(stream, A)
    await asyncio.wait_for(reader, 1)
