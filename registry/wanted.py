"""What an operator wants a car park to be, and the pure step from there to the catalogue's values.

A PUT replaces what it names. Optional fields that are left out stay as they are (a new car park gets the defaults), and
so do `zones`, `spaces` and `lanes`; null takes an optional value away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from contracts.ids import CarParkId, LaneLabel, OperatorId, Slug, SpaceLabel, ZoneLabel
from contracts.positions import PositionIn
from kernel.edge_problems import MalformedBody
from registry.bodies import (
    ENTRANCES_MAX,
    Capacity,
    EntranceIn,
    Features,
    Kind,
    LaneItem,
    NameIn,
    OpeningHours,
    SpaceItem,
    Text,
    Wanted,
    ZoneItem,
)
from registry.catalogue import CAPACITY_MAX, CarPark, Entrance, Lane, MeasuredBy, Space, Zone
from registry.districts import Districts
from registry.errors import CapacityExceeded, UndeclaredZone
from registry.time_zones import is_time_zone

ZONES_MAX = 500
LANES_MAX = 500


def _check_time_zone(name: str) -> str:
    if not is_time_zone(name):
        raise PydanticCustomError("time_zone", "not an IANA time zone such as Asia/Shanghai")
    return name


class CarParkIn(Wanted):
    """A car park as its operator wants it. See `registry.bodies` for the spellings of its parts."""

    operator: Slug | None = Field(default=None, description="May be left out by a key of a single operator.")
    name: NameIn
    position: PositionIn
    capacity: Capacity | None = Field(default=None, description="All spaces; default: what zones or spaces add up to.")
    reservable: Capacity = Field(default=0, description="How many may be promised at a time.")
    kind: Kind = "car_park"
    measured_by: MeasuredBy = "auto"
    district: Annotated[Slug | None, Field(description="Default: by the position.")] = None
    address: Text | None = None
    opening_hours: OpeningHours | None = Field(default=None, description="OSM syntax.", examples=["24/7"])
    time_zone: Annotated[Text, AfterValidator(_check_time_zone)] | None = None
    height_cm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    features: Features = Field(default_factory=list)
    entrances: Annotated[list[EntranceIn], Field(max_length=ENTRANCES_MAX)] = Field(default_factory=list)
    tariff_summary: NameIn | None = None
    heartbeat_s: Annotated[int, Field(ge=1, le=604_800)] | None = Field(
        default=None,
        description="How often each sensor speaks at least, whatever happens; null: only when something changes."
        " A space whose sensor was silent for longer is unknown. A device's own setting goes first.",
    )
    zones: Annotated[list[ZoneItem], Field(max_length=ZONES_MAX)] | None = None
    spaces: Annotated[list[SpaceItem], Field(max_length=CAPACITY_MAX)] | None = None
    lanes: Annotated[list[LaneItem], Field(max_length=LANES_MAX)] | None = None
    closed: bool | None = None
    closed_reason: Text | None = None
    id: Slug | None = Field(default=None, description="When given, the one in the path.")
    numbered_spaces: int | None = Field(default=None, description="Given back by GET, ignored here.")
    created_at: str | None = Field(default=None, description="Given back by GET, ignored here.")
    updated_at: str | None = Field(default=None, description="Given back by GET, ignored here.")


@dataclass(frozen=True, slots=True)
class Parts:
    """The zones, spaces and lanes a car park has, or is to have; None = not named."""

    zones: Sequence[Zone] | None = None
    spaces: Sequence[Space] | None = None
    lanes: Sequence[Lane] | None = None


def wanted_car_park(
    wanted: CarParkIn,
    car_park: CarParkId,
    operator: OperatorId,
    *,
    existing: CarPark | None,
    capacity: int,
    districts: Districts,
    time_zone: str,
) -> CarPark:
    """`existing` (or a blank one) with everything that `wanted` names put in its place."""
    lat, lon = wanted.position.wgs84()
    fixed: dict[str, Any] = {
        "operator": operator,
        "name": wanted.name.value(),
        "lat": lat,
        "lon": lon,
        "capacity": capacity,
        "district": wanted.district or districts.at(lat, lon),
    }
    values: dict[str, Any] = {
        "reservable": wanted.reservable,
        "kind": wanted.kind,
        "measured_by": wanted.measured_by,
        "address": wanted.address,
        "opening_hours": wanted.opening_hours,
        "time_zone": wanted.time_zone or time_zone,
        "height_cm": wanted.height_cm,
        "features": tuple(dict.fromkeys(wanted.features)),
        "entrances": tuple(_entrance(entrance) for entrance in wanted.entrances),
        "tariff_summary": None if wanted.tariff_summary is None else wanted.tariff_summary.value(),
        "heartbeat_s": wanted.heartbeat_s,
    }
    if existing is None:
        return CarPark(id=car_park, **fixed, **values)
    named = {name: value for name, value in values.items() if name in wanted.model_fields_set}
    return replace(existing, **fixed, **named)


def wanted_parts(wanted: CarParkIn, existing: Parts) -> Parts:
    """The parts that `wanted` names, complete. Raises MalformedBody for a repeated label, UndeclaredZone."""
    spaces = None
    if wanted.spaces is not None:
        spaces = [
            Space(SpaceLabel(item.space), _zone_label(item.zone), tuple(dict.fromkeys(item.features)))
            for item in wanted.spaces
        ]
        _check_unique("spaces", (space.label for space in spaces))
    lanes = None
    if wanted.lanes is not None:
        lanes = [Lane(LaneLabel(item.lane), item.direction, _zone_label(item.zone)) for item in wanted.lanes]
        _check_unique("lanes", (lane.label for lane in lanes))
    per_zone = Counter(space.zone for space in (spaces if spaces is not None else existing.spaces or ()))
    if wanted.zones is not None:
        _check_unique("zones", (item.zone for item in wanted.zones))
        zones: list[Zone] | None = [
            Zone(
                ZoneLabel(item.zone),
                per_zone[ZoneLabel(item.zone)] if item.capacity is None else item.capacity,
                item.level,
            )
            for item in wanted.zones
        ]
    else:
        zones = _grown_zones(existing.zones or (), per_zone) if spaces is not None else None
    named = Parts(zones, spaces, lanes)
    check_zones_declared(overlay(existing, named))
    return named


def check_zones_declared(parts: Parts) -> None:
    """Raises UndeclaredZone when a space or lane names a zone that is not there."""
    known = {zone.label for zone in parts.zones or ()}
    for kind, items in (("space", parts.spaces or ()), ("lane", parts.lanes or ())):
        for item in items:
            if item.zone is not None and item.zone not in known:
                raise UndeclaredZone(
                    f"{kind} {item.label} names the zone {item.zone}, which is not among the zones of this car park",
                    zone=item.zone,
                    label=item.label,
                )


def check_capacity(capacity: int, reservable: int, parts: Parts) -> None:
    """Raises CapacityExceeded when zones, numbered spaces or the reservable share do not fit into `capacity`."""
    zones, spaces = parts.zones or (), parts.spaces or ()
    _check_fits("the zones add up to {}", sum(zone.capacity for zone in zones), "the car park", capacity)
    _check_fits("there are {} numbered spaces", len(spaces), "the car park", capacity)
    _check_fits("{} are reservable", reservable, "the car park", capacity)
    per_zone = Counter(space.zone for space in spaces)
    for zone in zones:
        _check_fits("there are {} numbered spaces", per_zone[zone.label], f"zone {zone.label}", zone.capacity)


def default_capacity(wanted: CarParkIn, parts: Parts, existing: CarPark | None) -> int:
    """The capacity that `wanted` names, or else what it adds up to. Raises MalformedBody when nothing says it."""
    if wanted.capacity is not None:
        return wanted.capacity
    if parts.zones or parts.spaces:
        counted = max(sum(zone.capacity for zone in parts.zones or ()), len(parts.spaces or ()))
        return max(counted, existing.capacity if existing is not None else 0)
    if existing is not None:
        return existing.capacity
    raise MalformedBody.of("capacity", "is required: the number of spaces, unless zones or spaces add up to it")


def overlay(existing: Parts, wanted: Parts) -> Parts:
    """What the car park will have: `wanted` where it says something, else `existing`."""
    return Parts(
        existing.zones if wanted.zones is None else wanted.zones,
        existing.spaces if wanted.spaces is None else wanted.spaces,
        existing.lanes if wanted.lanes is None else wanted.lanes,
    )


def _grown_zones(zones: Iterable[Zone], per_zone: Mapping[ZoneLabel | None, int]) -> list[Zone]:
    """Nobody declared zones: those that spaces name are made, and a zone grows to hold its numbered spaces."""
    known = {zone.label: zone for zone in zones}
    for label, count in per_zone.items():
        if label is not None:
            zone = known.get(label, Zone(label, 0))
            known[label] = replace(zone, capacity=max(zone.capacity, count))
    return list(known.values())


def _entrance(wanted: EntranceIn) -> Entrance:
    lat, lon = wanted.position.wgs84()
    name = None if wanted.name is None else wanted.name.value()
    return Entrance(lat, lon, name, None if wanted.lane is None else LaneLabel(wanted.lane))


def _zone_label(label: str | None) -> ZoneLabel | None:
    return None if label is None else ZoneLabel(label)


def _check_unique(field: str, labels: Iterable[str]) -> None:
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise MalformedBody.of(field, f"the label {repeated[0]} is given more than once")


def _check_fits(sentence: str, parts: int, whole: str, capacity: int) -> None:
    if parts > capacity:
        raise CapacityExceeded(
            f"{sentence.format(parts)}, but {whole} has a capacity of {capacity}", capacity=capacity, parts=parts
        )
