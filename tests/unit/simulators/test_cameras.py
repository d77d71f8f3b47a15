"""What cameras read, who has one, and what a car park tells of vehicles that came before anybody looked."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contracts.wire import PassageMessage, Plate
from simulators.cameras import CONFUSED, CameraPlan, blind, came_before, cameras_of, misread, sharp
from simulators.car_park import CarPark, Change
from simulators.demo_tariffs import tariff_of
from simulators.layout import Layout
from simulators.plates import DRIVERS_FROM, plate_of

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def test_what_looks_alike_does_so_both_ways_round() -> None:
    assert all(CONFUSED[other] in CONFUSED for other in CONFUSED)
    for text in ("辽A0D8B1", "辽AB17Z2", "辽ASSSS5"):
        plate = Plate(text, "blue")
        seen = misread(plate, random.Random(1))
        assert sum(one != other for one, other in zip(text, seen.plate, strict=True)) == 1
    assert misread(Plate("辽AEEEEE", "blue"), random.Random(1)).plate == "辽AEEEEE"


def test_small_car_parks_have_cameras_first_and_the_others_only_count() -> None:
    sizes = {"a": 300, "b": 100, "c": 200, "d": 150}
    read = cameras_of(CameraPlan(spaces=300), 1, sizes)
    assert {name for name, one in read.items() if one is not blind} == {"b", "d"}
    assert set(cameras_of(CameraPlan(), 1, sizes).values()) == {sharp}
    assert blind(5).plate is None
    assert blind(5).ticket is None
    assert blind(DRIVERS_FROM + 5).plate == plate_of(DRIVERS_FROM + 5)


def test_cameras_are_wrong_as_often_as_said_and_never_about_drivers() -> None:
    read = cameras_of(CameraPlan(misread=0.1, missed=0.05), 1, {"a": 10})["a"]
    seen: Counter[str] = Counter()
    for vehicle in range(1, 4_001):
        reading, right = read(vehicle), plate_of(vehicle)
        if right is None:
            assert reading.ticket is not None
        elif reading.plate is None:
            seen["missed"] += 1
        elif reading.plate != right:
            seen["misread"] += 1
            assert reading.confidence is not None
            assert reading.confidence < 0.9
    assert 130 < seen["missed"] < 270
    assert 270 < seen["misread"] < 480
    assert all(read(DRIVERS_FROM + number) == sharp(DRIVERS_FROM + number) for number in range(100))


def test_rates_are_at_most_one() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        CameraPlan(misread=0.7, missed=0.7)


def test_who_came_before_is_told_when_he_leaves() -> None:
    layout = Layout(3, [None] * 3, [], ["E1"], ["X1"], ["E1"], ["X1"])
    car_park = CarPark("op", "park", layout, started=NOON)
    car_park.came_before = came_before([7, 8, DRIVERS_FROM], NOON)
    assert set(car_park.came_before) == {7, 8}
    assert all(NOON - timedelta(hours=3) <= at <= NOON - timedelta(minutes=10) for at in car_park.came_before.values())
    left = NOON + timedelta(seconds=30)
    _, messages = car_park.changed([Change(0, False, left, 7), Change(1, False, left, 9)])
    told = [msgspec.json.decode(message.payload, type=PassageMessage) for message in messages]
    assert [(one.direction, one.at) for one in told] == [
        ("entry", told[0].at),
        ("exit", left),
        ("exit", left),
    ]
    assert told[0].at < NOON
    assert told[0].vehicle == told[1].vehicle
    _, messages = car_park.changed([Change(0, False, left, 7)])
    assert len(messages) == 1


def test_a_faster_city_bills_shorter_hours() -> None:
    slow, fast = tariff_of("a", 1.0), tariff_of("a", 60.0)
    assert [step["unit_min"] for step in slow["plans"][0]["charge"]["steps"]] == [60, 60]
    assert [step["unit_min"] for step in fast["plans"][0]["charge"]["steps"]] == [1, 1]
