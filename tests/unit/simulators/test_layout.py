"""How what the registry holds is measured."""

from simulators.layout import Counter, layout_of
from simulators.operator_api import CarParkHeld, LaneHeld, ZoneHeld

LANES = [LaneHeld("E1", "entry"), LaneHeld("X1", "exit"), LaneHeld("B", "both")]
TWO_ZONES = [ZoneHeld("A", 3), ZoneHeld("B", 2)]
LABELS = {"A": ["A1", "A2", "A3"], "B": ["B1", "B2"]}


def test_sensors_on_every_numbered_space() -> None:
    layout = layout_of(CarParkHeld("x", "o", 5, measured_by="spaces", zones=TWO_ZONES, spaces=LABELS, lanes=LANES))
    assert (layout.slots, list(layout.sensors), list(layout.counters)) == (5, ["A1", "A2", "A3", "B1", "B2"], [])


def test_a_counter_for_every_zone_when_they_cover_the_car_park() -> None:
    layout = layout_of(CarParkHeld("x", "o", 5, measured_by="counts", zones=TWO_ZONES))
    assert list(layout.counters) == [Counter("A", 3, 0, 3), Counter("B", 2, 3, 5)]
    assert set(layout.sensors) == {None}


def test_one_counter_when_zones_do_not_cover_the_car_park() -> None:
    layout = layout_of(CarParkHeld("x", "o", 9, measured_by="counts", zones=TWO_ZONES))
    assert list(layout.counters) == [Counter(None, 9, 0, 9)]


def test_lanes_are_seen_and_the_barrier_keeps_a_count() -> None:
    layout = layout_of(CarParkHeld("x", "o", 7, measured_by="passages", lanes=LANES))
    assert (layout.entries, layout.exits) == (["E1", "B"], ["X1", "B"])
    assert list(layout.counters) == [Counter(None, 7, 0, 7)]


def test_passages_without_lanes_are_counted_instead() -> None:
    assert layout_of(CarParkHeld("x", "o", 7, measured_by="passages")).entries == ()


def test_mixed_has_sensors_in_some_zones_and_counters_in_the_rest() -> None:
    layout = layout_of(CarParkHeld("x", "o", 5, measured_by="mixed", zones=TWO_ZONES, spaces=LABELS))
    assert list(layout.sensors) == ["A1", "A2", "A3", None, None]
    assert [counter.zone for counter in layout.counters] == ["A", "B"]


def test_auto_goes_by_what_there_is() -> None:
    assert layout_of(CarParkHeld("x", "o", 5, spaces={"": ["1", "2"]})).sensors == ["1", "2"]
    assert layout_of(CarParkHeld("x", "o", 5)).counters == [Counter(None, 5, 0, 5)]


def test_an_empty_car_park_is_no_trouble() -> None:
    assert layout_of(CarParkHeld("x", "o", 0)).slots == 0
