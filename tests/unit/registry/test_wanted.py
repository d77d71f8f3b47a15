"""From what an operator wants to what is stored: merging, defaults, and sums that must fit. No database."""

from typing import Any

import pytest

from contracts.ids import CarParkId, OperatorId, SpaceLabel, ZoneLabel
from kernel.edge_problems import MalformedBody
from registry.catalogue import CarPark, Space, Zone
from registry.districts import load_districts
from registry.errors import CapacityExceeded, UndeclaredZone
from registry.wanted import (
    CarParkIn,
    Parts,
    check_capacity,
    default_capacity,
    overlay,
    wanted_car_park,
    wanted_parts,
)


def body(**changes: Any) -> CarParkIn:
    return CarParkIn.model_validate({"name": "N", "position": {"lat": 41.7975, "lon": 123.457}, **changes})


def stored(wanted: CarParkIn, existing: CarPark | None = None) -> CarPark:
    return wanted_car_park(
        wanted,
        CarParkId("x"),
        OperatorId("mira"),
        existing=existing,
        capacity=10,
        districts=load_districts(),
        time_zone="Asia/Shanghai",
    )


def test_a_new_car_park_has_the_defaults() -> None:
    made = stored(body())
    assert (made.kind, made.reservable, made.measured_by, made.district, made.time_zone) == (
        "car_park",
        0,
        "auto",
        "shenhe",
        "Asia/Shanghai",
    )


def test_what_is_named_replaces_and_the_rest_stays() -> None:
    before = stored(body(kind="mall", features=["ev", "ev", "cctv"], time_zone="Europe/Berlin", address="A 1"))
    after = stored(body(kind="office", address=None), before)
    assert (after.kind, after.features, after.time_zone, after.address) == (
        "office",
        ("ev", "cctv"),
        "Europe/Berlin",
        None,
    )


def test_capacity_is_what_is_said_or_what_it_adds_up_to() -> None:
    parts = Parts(zones=[Zone(ZoneLabel("A"), 4)], spaces=[Space(SpaceLabel("1"))] * 3)
    assert default_capacity(body(capacity=9), parts, None) == 9
    assert default_capacity(body(), parts, None) == 4
    assert default_capacity(body(), Parts(), stored(body())) == 10
    with pytest.raises(MalformedBody, match="number of spaces"):
        default_capacity(body(), Parts(), None)


def test_zones_grow_with_their_spaces_unless_they_are_declared() -> None:
    has = Parts(zones=[Zone(ZoneLabel("A"), 1, level=-1), Zone(ZoneLabel("B"), 5)], spaces=[], lanes=[])
    spaces = [{"space": f"{zone}{number}", "zone": zone} for zone in "AC" for number in range(2)]
    grown = wanted_parts(body(spaces=spaces), has).zones
    assert grown is not None
    assert [(zone.label, zone.capacity, zone.level) for zone in grown] == [("A", 2, -1), ("B", 5, None), ("C", 2, None)]
    with pytest.raises(UndeclaredZone, match="names the zone C"):
        wanted_parts(body(spaces=spaces, zones=["A"]), has)
    with pytest.raises(UndeclaredZone):
        wanted_parts(body(zones=[]), Parts(zones=has.zones, spaces=[Space(SpaceLabel("1"), ZoneLabel("A"))]))


def test_a_lane_names_a_zone_that_there_is() -> None:
    with pytest.raises(UndeclaredZone, match="lane E1 names the zone Z"):
        wanted_parts(body(lanes=[{"lane": "E1", "zone": "Z"}]), Parts())


@pytest.mark.parametrize(
    ("capacity", "reservable", "words"),
    [(4, 0, "zones add up to 5"), (9, 10, "10 are reservable"), (9, 0, "3 numbered spaces, but zone A")],
)
def test_the_parts_fit_into_the_whole(capacity: int, reservable: int, words: str) -> None:
    spaces = [Space(SpaceLabel(str(number)), ZoneLabel("A")) for number in range(3)]
    parts = Parts(zones=[Zone(ZoneLabel("A"), 2), Zone(ZoneLabel("B"), 3)], spaces=spaces)
    with pytest.raises(CapacityExceeded, match=words):
        check_capacity(capacity, reservable, parts)


def test_overlaying_keeps_what_is_not_named() -> None:
    has = Parts(zones=[Zone(ZoneLabel("A"), 2)], spaces=[], lanes=[])
    assert overlay(has, Parts(spaces=[Space(SpaceLabel("1"))])).zones == has.zones
