"""A generated city: where it lies, how large it is, that names do not repeat and that a seed gives it again."""

from collections import Counter

import pytest
import shapely
from opening_hours import validate as is_opening_hours

from registry.catalogue import City
from registry.city_generator import apportion, generate_city
from registry.districts import Districts, load_districts, parse_districts


@pytest.fixture(scope="module")
def districts() -> Districts:
    return load_districts()


@pytest.fixture(scope="module")
def city(districts: Districts) -> City:
    return generate_city(1, 608, districts)


def test_a_seed_gives_the_same_city_and_another_seed_another(city: City, districts: Districts) -> None:
    assert generate_city(1, 608, districts) == city
    assert generate_city(2, 608, districts) != city


def test_the_whole_city_has_608_car_parks_and_250_000_spaces_in_all_thirteen_districts(city: City) -> None:
    assert len(city.plans) == 608
    assert city.capacity == pytest.approx(250_000, rel=0.02)
    per_district = Counter(plan.car_park.district for plan in city.plans)
    assert len(per_district) == 13
    assert min(per_district[name] for name in ("shenhe", "heping", "tiexi")) > 5 * per_district["liaozhong"]


@pytest.mark.parametrize("car_parks", [1, 5, 13, 60, 1500])
def test_other_numbers_keep_the_mean_size(car_parks: int, districts: Districts) -> None:
    made = generate_city(3, car_parks, districts)
    assert len(made.plans) == car_parks
    assert made.capacity / car_parks == pytest.approx(411, rel=0.35 if car_parks < 60 else 0.05)


def test_every_car_park_lies_inside_its_district(city: City, districts: Districts) -> None:
    shapes = {district.id: district.shape for district in districts.all}
    for plan in city.plans:
        park = plan.car_park
        assert park.district is not None
        assert shapes[park.district].contains(shapely.Point(park.lon, park.lat)), park.id
        assert districts.at(park.lat, park.lon) == park.district


def test_ids_names_and_places_are_all_different(city: City) -> None:
    for what in (
        [plan.car_park.id for plan in city.plans],
        [plan.car_park.name.zh for plan in city.plans],
        [plan.car_park.name.en for plan in city.plans],
        [(plan.car_park.lat, plan.car_park.lon) for plan in city.plans],
    ):
        assert len(set(what)) == 608


def test_how_they_are_measured(city: City) -> None:
    ways = Counter(plan.car_park.measured_by for plan in city.plans)
    shares = {way: round(100 * count / 608) for way, count in ways.items()}
    assert shares == {"spaces": 72, "counts": 14, "passages": 8, "mixed": 6}
    for plan in city.plans:
        if plan.car_park.measured_by in ("spaces", "mixed"):
            assert len(plan.spaces) == plan.car_park.capacity
        else:
            assert not plan.spaces
        if plan.car_park.measured_by in ("passages", "mixed"):
            assert {lane.direction for lane in plan.lanes} == {"entry", "exit"}


def test_parts_add_up_and_name_each_other(city: City) -> None:
    for plan in city.plans:
        zones = {zone.label: zone.capacity for zone in plan.zones}
        assert not zones or sum(zones.values()) == plan.car_park.capacity
        assert all(space.zone in zones for space in plan.spaces)
        assert len({space.label for space in plan.spaces}) == len(plan.spaces)
        assert all(len(space.label) <= 32 for space in plan.spaces)
        per_zone = Counter(space.zone for space in plan.spaces)
        assert all(per_zone[label] == capacity for label, capacity in zones.items()) or not plan.spaces
        assert {entrance.lane for entrance in plan.car_park.entrances} <= {lane.label for lane in plan.lanes} | {None}


def test_details_are_plausible(city: City) -> None:
    operators = {operator.id for operator in city.operators}
    kinds = Counter(plan.car_park.kind for plan in city.plans)
    assert kinds["airport"] == 1
    assert len(kinds) == 13
    assert len(operators) == 12
    for plan in city.plans:
        park = plan.car_park
        assert park.operator in operators
        assert 30 <= park.capacity <= 4500
        assert 0 <= park.reservable <= park.capacity
        assert park.opening_hours is not None
        assert is_opening_hours(park.opening_hours)
        assert park.height_cm is None or 190 <= park.height_cm <= 250
        assert park.tariff_summary is not None
        assert park.entrances
    assert {plan.car_park.operator for plan in city.plans} == operators


def test_a_city_of_other_districts_takes_their_names() -> None:
    other = parse_districts(
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"old","name":"Old Town"},'
        b'"geometry":{"type":"Polygon","coordinates":[[[9,48],[9.1,48],[9.1,48.1],[9,48.1],[9,48]]]}}]}'
    )
    made = generate_city(1, 30, other)
    assert {plan.car_park.district for plan in made.plans} == {"old"}
    assert any("Old Town" in plan.car_park.name.en for plan in made.plans)


@pytest.mark.parametrize(("shares", "total"), [([1, 1, 1], 10), ([0.72, 0.14, 0.08, 0.06], 608), ([5], 3), ([1, 9], 0)])
def test_apportioning_adds_up(shares: list[float], total: int) -> None:
    counts = apportion(shares, total)
    assert sum(counts) == total
    whole = sum(shares)
    assert all(abs(count - total * share / whole) < 1 for count, share in zip(counts, shares, strict=True))


def test_a_city_has_at_least_one_car_park(districts: Districts) -> None:
    with pytest.raises(ValueError, match="at least one"):
        generate_city(1, 0, districts)
