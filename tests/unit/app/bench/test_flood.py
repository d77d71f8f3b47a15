"""The flood is changes of one car park, and every space numbers its own events."""

from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from app.bench.load import FLOODED, CityLoad, car_park_id
from contracts.wire import SpacesMessage

_START = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_flood_is_changes_of_one_car_park() -> None:
    load = CityLoad(_START)
    told = list(load.flood(1_200))
    assert {topic.split("/")[3] for topic, _ in told} == {car_park_id(FLOODED)}
    words = [msgspec.json.decode(payload, type=SpacesMessage).events[0] for _, payload in told]
    by_space: dict[str, list[tuple[int | None, str]]] = {}
    for word in words:
        by_space.setdefault(word.space, []).append((word.seq, word.state))
    for said in by_space.values():
        assert [seq for seq, _ in said] == list(range(1, len(said) + 1))
        assert all(one[1] != other[1] for one, other in pairwise(said))


def test_every_space_numbers_its_own_events() -> None:
    load = CityLoad(_START)
    for _ in range(2):
        for _ in load.batches(500):
            pass
    ((_, payload),) = load.batches(1)
    assert {event.seq for event in msgspec.json.decode(payload, type=SpacesMessage).events} == {3}
