"""What a city's parking consists of, as frozen values: what verbs store and `sql` reads back.

Nothing here knows the database or HTTP. A `CarParkPlan` is a car park with everything in it; a `City` is many of them
with the operators who run them, as the generator makes it and `seed_city` stores it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from contracts.ids import CarParkId, DeviceId, LaneLabel, OperatorId, SignId, SpaceLabel, ZoneLabel

MeasuredBy = Literal["spaces", "counts", "passages", "mixed", "auto"]
"""How occupancy is known: a sensor on every space, counters, passages, several of them; `auto` = see what comes."""

Direction = Literal["entry", "exit", "both"]
Tier = Literal["trunk", "junction", "entrance"]

CAPACITY_MAX = 100_000
"""Several times the largest car park of the world; a feed's typing error beyond it is refused."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name in both languages; one that is known in a single language stands for both."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs car parks."""

    id: OperatorId
    name: Name


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where a driver is led to; degrees in WGS-84. `lane` is the lane behind it, when there is one."""

    lat: float
    lon: float
    name: Name | None = None
    lane: LaneLabel | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of a car park that is counted by itself; `level` is the storey, below ground negative."""

    label: ZoneLabel
    capacity: int
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """A numbered space."""

    label: SpaceLabel
    zone: ZoneLabel | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """Where vehicles pass in or out of the car park, or of `zone`."""

    label: LaneLabel
    direction: Direction
    zone: ZoneLabel | None = None


@dataclass(frozen=True, slots=True)
class CarPark:
    """A car park by itself. Degrees in WGS-84, height in centimetres, opening hours in OSM syntax."""

    id: CarParkId
    operator: OperatorId
    name: Name
    lat: float
    lon: float
    capacity: int
    time_zone: str
    kind: str = "car_park"
    reservable: int = 0
    measured_by: MeasuredBy = "auto"
    district: str | None = None
    address: str | None = None
    opening_hours: str | None = None
    height_cm: int | None = None
    features: tuple[str, ...] = ()
    entrances: tuple[Entrance, ...] = ()
    tariff_summary: Name | None = None
    heartbeat_s: int | None = None
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CarParkPlan:
    """A car park with its zones, numbered spaces and lanes. `tariff` is the name of what a generated one charges."""

    car_park: CarPark
    zones: Sequence[Zone] = ()
    spaces: Sequence[Space] = ()
    lanes: Sequence[Lane] = ()
    tariff: str = ""


@dataclass(frozen=True, slots=True)
class City:
    """Operators and car parks enough to run a city on."""

    operators: Sequence[Operator]
    plans: Sequence[CarParkPlan]

    @property
    def capacity(self) -> int:
        """Spaces in all, numbered or only counted."""
        return sum(plan.car_park.capacity for plan in self.plans)


@dataclass(frozen=True, slots=True)
class Sign:
    """A guidance sign; `heading` is the direction its readers drive, degrees clockwise from north."""

    id: SignId
    operator: OperatorId
    tier: Tier
    name: Name
    lat: float
    lon: float
    heading: int | None = None
    car_parks: tuple[CarParkId, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """A sensor or camera, and the one space or zone (or the whole car park) that it watches."""

    id: DeviceId
    operator: OperatorId
    profile: str
    car_park: CarParkId
    space: SpaceLabel | None = None
    zone: ZoneLabel | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
