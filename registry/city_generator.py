"""A plausible city out of a seed: car parks over the real districts, for trying, testing and measuring at full size.

Pure: the same seed, number and districts give the same city. `seed_city` stores it, `berth up --demo` asks for it.
The whole (608 car parks) has 250,000 spaces; other numbers of car parks keep the mean size.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import shapely

from contracts.ids import CarParkId, OperatorId
from registry.catalogue import CarPark, CarParkPlan, City, MeasuredBy, Name, Operator
from registry.city_kinds import AIRPORT, KINDS, MEASURED, Kind
from registry.city_layout import entrances_of, lanes_of, spaces_of, zones_of
from registry.districts import District, Districts
from registry.shenyang import AREAS, OPERATORS, ROOTS, SPECIALISTS, Area, Centre

SPACES_PER_CAR_PARK = 250_000 / 608
AIRPORT_DISTRICT = "hunnan"
METRES_APART_MIN = 40.0
"""Two car parks are not drawn on top of each other."""
_KM_PER_DEGREE = 111.2
_TRIES = 80


def generate_city(seed: int, car_parks: int, districts: Districts, *, time_zone: str = "Asia/Shanghai") -> City:
    """`car_parks` car parks over `districts`, the same for the same `seed`. Raises ValueError below one."""
    if car_parks < 1:
        raise ValueError("a city has at least one car park")
    rng = random.Random(seed)  # noqa: S311  # a seed must give the same city, nothing here is secret
    slots = list(_slots(rng, car_parks, districts))
    sizes = _sizes(rng, [slot.kind for slot in slots])
    measured = _measured(rng, [slot.kind for slot in slots])
    writer = _Writer(rng, seed, time_zone)
    plans = [writer.plan(*row) for row in zip(slots, sizes, measured, strict=True)]
    operators = [Operator(OperatorId(slug), Name(zh, en)) for slug, zh, en, _ in OPERATORS]
    return City(operators, plans)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A car park to be: where it goes and of which kind it is; `number` counts within the district."""

    district: District
    area: Area
    centre: Centre
    kind: Kind
    number: int


def apportion(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers in the ratio of `shares` that add up to `total` (largest remainder)."""
    whole = sum(shares)
    exact = [share * total / whole for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda place: (counts[place] - exact[place], place))
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    return counts


def _slots(rng: random.Random, car_parks: int, districts: Districts) -> Iterator[_Slot]:
    areas = [AREAS.get(district.id) or _unknown_area(district) for district in districts.all]
    counts = apportion([area.share for area in areas], car_parks)
    if car_parks >= len(counts):
        while 0 in counts:  # nobody's district is left out
            counts[counts.index(max(counts))] -= 1
            counts[counts.index(0)] += 1
    has_airport = car_parks >= len(counts) and any(district.id == AIRPORT_DISTRICT for district in districts.all)
    kinds = [
        kind
        for kind, count in zip(KINDS, apportion([kind.share for kind in KINDS], car_parks - has_airport), strict=True)
        for _ in range(count)
    ]
    rng.shuffle(kinds)
    for district, area, count in zip(districts.all, areas, counts, strict=True):
        pulls = [centre.pull for centre in area.centres]
        for number in range(1, count + 1):
            if has_airport and district.id == AIRPORT_DISTRICT and number == 1:
                airport = next((centre for centre in area.centres if "机场" in centre.zh), area.centres[0])
                yield _Slot(district, area, airport, AIRPORT, number)
                continue
            yield _Slot(district, area, rng.choices(area.centres, pulls)[0], kinds.pop(), number)


def _unknown_area(district: District) -> Area:
    """What is made up for a district of another city: one centre in its middle, its own name for everything."""
    middle = district.shape.representative_point()
    spread_km = max(0.5, math.sqrt(district.shape.area) * _KM_PER_DEGREE / 6)
    centre = Centre(district.name.zh, district.name.en, middle.y, middle.x, spread_km, 1.0)
    return Area(40, (centre,), ((f"{district.name.zh}大街", f"{district.name.en} Avenue"),))


def _sizes(rng: random.Random, kinds: Sequence[Kind]) -> list[int]:
    """A size for each, drawn by kind, then stretched within the kinds' limits so that the mean is the city's."""
    drawn = [rng.triangular(kind.spaces[0], kind.spaces[2], kind.spaces[1]) for kind in kinds]
    wanted = SPACES_PER_CAR_PARK * len(kinds)
    for _ in range(20):
        elastic = sum(size for size, kind in zip(drawn, kinds, strict=True) if kind.storeys != "kerb")
        if elastic == 0:
            break
        factor = 1 + (wanted - sum(drawn)) / elastic
        drawn = [
            size if kind.storeys == "kerb" else min(max(size * factor, kind.spaces[0]), kind.spaces[2])
            for size, kind in zip(drawn, kinds, strict=True)
        ]
    return [round(size) for size in drawn]


def _measured(rng: random.Random, kinds: Sequence[Kind]) -> list[MeasuredBy]:
    """How each is measured, in the shares of MEASURED; passages need lanes, which a kerb has not."""
    counts = dict(
        zip((way for way, _ in MEASURED), apportion([share for _, share in MEASURED], len(kinds)), strict=True)
    )
    order = list(range(len(kinds)))
    rng.shuffle(order)
    order.sort(key=lambda place: kinds[place].storeys == "kerb")  # stable: kerbs last, else as shuffled
    ways: list[MeasuredBy] = ["spaces"] * len(kinds)
    taken = 0
    for way in ("passages", "mixed"):
        for place in order[taken : taken + counts[way]]:
            ways[place] = way
        taken += counts[way]
    rest = order[taken:]
    rng.shuffle(rest)
    for place in rest[: counts["counts"]]:
        ways[place] = "counts"
    return ways


class _Writer:
    """Writes plans one after the other; remembers which names and points are taken."""

    def __init__(self, rng: random.Random, seed: int, time_zone: str) -> None:
        self._rng = rng
        self._seed = seed
        self._time_zone = time_zone
        self._names: set[str] = set()
        self._points: dict[tuple[int, int], list[tuple[float, float]]] = {}

    def plan(self, slot: _Slot, capacity: int, measured_by: MeasuredBy) -> CarParkPlan:
        """Everything about one car park."""
        rng, kind = self._rng, slot.kind
        lat, lon = self._place(slot)
        street = rng.choice(slot.area.streets)
        features = tuple(name for name, chance in kind.features if rng.random() < chance)
        zones = zones_of(rng, kind, capacity, measured_by)
        lanes = lanes_of(kind, capacity)
        tariff = rng.choice(kind.tariffs)
        bookable = kind.storeys != "kerb" and rng.random() < 0.6
        car_park = CarPark(
            id=CarParkId(f"sy-{slot.district.id}-{slot.number:03}"),
            operator=OperatorId(SPECIALISTS.get(kind.name) or self._operator()),
            name=self._name(slot, street),
            lat=lat,
            lon=lon,
            capacity=capacity,
            time_zone=self._time_zone,
            kind=kind.name,
            reservable=int(capacity * rng.uniform(0.05, 0.3)) if bookable else 0,
            measured_by=measured_by,
            district=slot.district.id,
            address=f"{slot.district.name.zh}{street[0]}{rng.randint(1, 260)}号",
            opening_hours=rng.choice(kind.hours),
            height_cm=rng.choice((200, 210, 220, 240)) if kind.storeys in ("under", "tower") else None,
            features=features,
            entrances=entrances_of(rng, lat, lon, lanes),
            tariff_summary=Name(tariff.zh, tariff.en),
            source={"origin": "generated", "seed": self._seed},
        )
        spaces = spaces_of(zones, features) if measured_by in ("spaces", "mixed") else ()
        return CarParkPlan(car_park, zones, spaces, lanes, tariff.id)

    def _operator(self) -> str:
        return self._rng.choices([slug for slug, *_ in OPERATORS], [share for *_, share in OPERATORS])[0]

    def _place(self, slot: _Slot) -> tuple[float, float]:
        """A free point in the district, near its centre most of the time."""
        centre, rng, shape = slot.centre, self._rng, slot.district.shape
        reach = 3.0 if rng.random() < 0.15 else 1.0
        for attempt in range(_TRIES):
            spread = centre.spread_km * reach * (1 + attempt / 20) / _KM_PER_DEGREE
            lat = round(centre.lat + rng.gauss(0, spread), 6)
            lon = round(centre.lon + rng.gauss(0, spread) / math.cos(math.radians(centre.lat)), 6)
            if self._is_free(lat, lon) and shape.contains(shapely.Point(lon, lat)):
                break
        else:
            lat, lon = self._anywhere(shape)
        self._points.setdefault(_cell(lat, lon), []).append((lat, lon))
        return lat, lon

    def _anywhere(self, shape: shapely.geometry.base.BaseGeometry) -> tuple[float, float]:
        west, south, east, north = shape.bounds
        for _ in range(10 * _TRIES):
            lat, lon = round(self._rng.uniform(south, north), 6), round(self._rng.uniform(west, east), 6)
            if shape.contains(shapely.Point(lon, lat)):
                return lat, lon
        middle = shape.representative_point()
        return middle.y, middle.x

    def _is_free(self, lat: float, lon: float) -> bool:
        row, column = _cell(lat, lon)
        near = (
            point
            for a in (row - 1, row, row + 1)
            for b in (column - 1, column, column + 1)
            for point in self._points.get((a, b), ())
        )
        return all(_metres(lat, lon, *point) >= METRES_APART_MIN for point in near)

    def _name(self, slot: _Slot, street: tuple[str, str]) -> Name:
        """A name that neither language has seen yet."""
        for zh, en in self._proposals(slot, street):
            if zh not in self._names and en not in self._names:
                self._names.update((zh, en))
                return Name(zh, en)
        raise AssertionError("proposals never end")

    def _proposals(self, slot: _Slot, street: tuple[str, str]) -> Iterator[tuple[str, str]]:
        kind, centre = slot.kind, slot.centre
        if kind.storeys == "kerb":
            for section in range(1, 1000):
                yield f"{street[0]}{section}段{kind.zh}", f"{street[1]} section {section} {kind.en}"
        if kind.name in ("station", "stadium", "park", "airport"):
            yield f"{centre.zh}{kind.zh}", f"{centre.en} {kind.en}"
        places = [(centre.zh, centre.en), *slot.area.streets]
        for _ in range(_TRIES):
            (zh, en), (root_zh, root_en) = self._rng.choice(places), self._rng.choice(ROOTS)
            yield f"{zh}{root_zh}{kind.zh}", f"{en} {root_en} {kind.en}"
        for number in range(2, 100_000):
            yield f"{centre.zh}{number}号{kind.zh}", f"{centre.en} {kind.en} {number}"


def _cell(lat: float, lon: float) -> tuple[int, int]:
    return int(lat * 500), int(lon * 500)


def _metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    east = (lon - other_lon) * math.cos(math.radians(lat))
    return math.hypot(lat - other_lat, east) * _KM_PER_DEGREE * 1000
