"""What the registry answers with; the shapes that may be PUT back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from contracts.positions import Datum, Position
from kernel.db import Row
from registry.catalogue import CarPark, Lane, MeasuredBy, Name, Space, Tier, Zone
from registry.sql.car_parks import read_car_park
from registry.wanted import Parts


class View(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class NameView(View):
    """A name in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, name: Name) -> "NameView":
        return cls(zh=name.zh, en=name.en)


class OperatorView(View):
    """An operator."""

    id: str
    name: NameView
    created_at: datetime

    @classmethod
    def of(cls, row: Row) -> "OperatorView":
        return cls(id=row["id"], name=NameView(zh=row["name_zh"], en=row["name_en"]), created_at=row["created_at"])


class ZoneView(View):
    """A zone; `level` is the storey, below ground negative."""

    zone: str
    capacity: int
    level: int | None

    @classmethod
    def of(cls, zone: Zone) -> "ZoneView":
        return cls(zone=zone.label, capacity=zone.capacity, level=zone.level)


class SpaceView(View):
    """A numbered space."""

    space: str
    zone: str | None
    features: list[str]

    @classmethod
    def of(cls, space: Space) -> "SpaceView":
        return cls(space=space.label, zone=space.zone, features=list(space.features))


class LaneView(View):
    """Where vehicles pass."""

    lane: str
    direction: str
    zone: str | None

    @classmethod
    def of(cls, lane: Lane) -> "LaneView":
        return cls(lane=lane.label, direction=lane.direction, zone=lane.zone)


class EntranceView(View):
    """Where drivers are led to."""

    position: Position
    name: NameView | None
    lane: str | None


class CarParkRow(View):
    """A car park without its parts."""

    id: str
    operator: str
    name: NameView
    position: Position
    capacity: int
    reservable: int
    kind: str
    measured_by: MeasuredBy
    district: str | None
    address: str | None
    opening_hours: str | None
    time_zone: str
    height_cm: int | None
    features: list[str]
    entrances: list[EntranceView]
    tariff_summary: NameView | None
    heartbeat_s: int | None
    closed: bool
    closed_reason: str | None
    numbered_spaces: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Row, datum: Datum) -> "CarParkRow":
        return cls(**_fields(row, row["numbered_spaces"], datum))


class CarParkView(CarParkRow):
    """A car park with everything in it."""

    zones: list[ZoneView]
    spaces: list[SpaceView]
    lanes: list[LaneView]

    @classmethod
    def whole(cls, row: Row, parts: Parts, datum: Datum) -> "CarParkView":
        """The car park in `row` with its `parts`."""
        spaces = parts.spaces or ()
        return cls(
            **_fields(row, len(spaces), datum),
            zones=[ZoneView.of(zone) for zone in parts.zones or ()],
            spaces=[SpaceView.of(space) for space in spaces],
            lanes=[LaneView.of(lane) for lane in parts.lanes or ()],
        )


def _fields(row: Row, numbered_spaces: int, datum: Datum) -> dict[str, Any]:
    car_park: CarPark = read_car_park(row)
    return {
        "id": car_park.id,
        "operator": car_park.operator,
        "name": NameView.of(car_park.name),
        "position": Position.of(car_park.lat, car_park.lon, datum),
        "capacity": car_park.capacity,
        "reservable": car_park.reservable,
        "kind": car_park.kind,
        "measured_by": car_park.measured_by,
        "district": car_park.district,
        "address": car_park.address,
        "opening_hours": car_park.opening_hours,
        "time_zone": car_park.time_zone,
        "height_cm": car_park.height_cm,
        "features": list(car_park.features),
        "entrances": [
            EntranceView(
                position=Position.of(entrance.lat, entrance.lon, datum),
                name=None if entrance.name is None else NameView.of(entrance.name),
                lane=entrance.lane,
            )
            for entrance in car_park.entrances
        ],
        "tariff_summary": None if car_park.tariff_summary is None else NameView.of(car_park.tariff_summary),
        "heartbeat_s": car_park.heartbeat_s,
        "closed": row["closed"],
        "closed_reason": row["closed_reason"],
        "numbered_spaces": numbered_spaces,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


class SignView(View):
    """A guidance sign."""

    id: str
    operator: str
    tier: Tier
    name: NameView
    position: Position
    heading: int | None
    car_parks: list[str]

    @classmethod
    def of(cls, row: Row, datum: Datum) -> "SignView":
        return cls(
            id=row["id"],
            operator=row["operator"],
            tier=row["tier"],
            name=NameView(zh=row["name_zh"], en=row["name_en"]),
            position=Position.of(row["lat"], row["lon"], datum),
            heading=row["heading"],
            car_parks=row["car_parks"],
        )


class DeviceView(View):
    """A device."""

    id: str
    operator: str
    profile: str
    car_park: str
    space: str | None
    zone: str | None
    settings: dict[str, Any]
    updated_at: datetime

    @classmethod
    def of(cls, row: Row) -> "DeviceView":
        return cls(**dict(row))


class AuditView(View):
    """Who changed what; `subject` is `car-park/sy-heping-017`."""

    at: datetime
    actor: str
    operator: str | None
    action: str
    subject: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> "AuditView":
        return cls(**{name: row[name] for name in cls.model_fields})


class KeyView(View):
    """An API key without its secret; `operator` null = every operator, `device` null = any of theirs."""

    id: str
    operator: str | None
    device: str | None
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> "KeyView":
        return cls(**{name: row[name] for name in cls.model_fields})


class IssuedKey(KeyView):
    """A fresh key: `key` is shown this once and stored nowhere."""

    key: str
