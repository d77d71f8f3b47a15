"""Devices: which profile decodes them, and the space, zone or car park that they watch."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.ids import CarParkId, DeviceId, Label, OperatorId, Slug, SpaceLabel, ZoneLabel
from contracts.profiles import InLane
from kernel.answers import dump
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from registry.access import own_car_park
from registry.bodies import Wanted
from registry.catalogue import Device
from registry.errors import REFUSALS, UnknownDevice, UnknownLane, UnknownSpace
from registry.profiles import Profiles
from registry.sql import audit, devices, parts

SETTINGS_BYTES_MAX = 8 * 1024
"""Offsets and thresholds of one sensor are a few dozen bytes."""


def _small(settings: dict[str, Any]) -> dict[str, Any]:
    if len(dump(settings)) > SETTINGS_BYTES_MAX:
        raise PydanticCustomError("settings_size", f"settings may be at most {SETTINGS_BYTES_MAX} bytes")
    return settings


class DeviceIn(Wanted):
    """A device as its operator wants it; without `space` and `zone` it speaks for the whole car park."""

    profile: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9._-]{1,64}$"),
        Field(description="A name or alias of `GET /v1/operator/device-profiles`."),
    ]
    car_park: Slug
    space: Label | None = None
    zone: Label | None = None
    settings: Annotated[dict[str, Any], AfterValidator(_small)] = Field(
        default_factory=dict, description="What `settings_schema` of the profile allows."
    )
    id: str | None = Field(default=None, description="When given, the one in the path.")
    operator: Slug | None = Field(default=None, description="When given, whoever runs the car park.")
    updated_at: str | None = Field(default=None, description="Given back by GET, ignored here.")


async def register_device(tx: Tx, profiles: Profiles, caller: Caller, device: DeviceId, wanted: DeviceIn) -> bool:
    """Make `device` what is `wanted`; whether it is new.

    Raises UnknownDevice (somebody else's), UnknownCarPark, UnknownSpace, UnknownZone, UnknownLane, UnknownProfile,
    DeviceTaken, MalformedBody.
    """
    park = await own_car_park(tx, caller, CarParkId(wanted.car_park), lock=True)  # before the device: see move_devices
    in_lanes = _check(profiles, device, park["operator"], wanted)
    await _check_lanes(tx, park["id"], in_lanes)
    if wanted.space is not None and await parts.find_space(tx, park["id"], SpaceLabel(wanted.space)) is None:
        raise UnknownSpace(f"{park['id']} has no space {wanted.space}", car_park=park["id"], space=wanted.space)
    placed = Device(
        id=device,
        operator=OperatorId(park["operator"]),
        profile=wanted.profile,
        car_park=park["id"],
        space=None if wanted.space is None else SpaceLabel(wanted.space),
        zone=None if wanted.zone is None else ZoneLabel(wanted.zone),
        settings=wanted.settings,
    )
    with tx.guard(REFUSALS, car_park=park["id"], zone=wanted.zone):
        is_new = await devices.upsert_device(tx, placed, caller.covered)
    if is_new is None:
        raise UnknownDevice(device=device)
    action = "device.create" if is_new else "device.change"
    await _audited(
        tx, caller, park["operator"], action, device=device, detail=wanted.model_dump(mode="json", exclude_unset=True)
    )
    return is_new


def _check(profiles: Profiles, device: DeviceId, operator: str, wanted: DeviceIn) -> Sequence[InLane]:
    """The lanes that its settings name."""
    if wanted.id is not None and wanted.id != device:
        raise MalformedBody.of("id", f"is not the id in the path, {device}", wanted.id)
    if wanted.operator is not None and wanted.operator != operator:
        raise MalformedBody.of("operator", f"the car park is run by {operator}", wanted.operator)
    if wanted.space is not None and wanted.zone is not None:
        raise MalformedBody.of("zone", "a device watches a space or a zone, not both: leave one out", wanted.zone)
    return profiles.check(wanted.profile, wanted.settings)


async def _check_lanes(tx: Tx, car_park: CarParkId, named: Sequence[InLane]) -> None:
    """What a device tells of a lane that is not there, or against its direction, would all be refused or wrong.

    A car park that registered no lanes may name them as it likes.
    """
    known = {str(lane.label): lane.direction for lane in await parts.find_lanes(tx, car_park)} if named else {}
    for lane, direction, where in named if known else ():
        if lane not in known:
            raise UnknownLane(f"{car_park} has no lane {lane}", car_park=car_park, lane=lane)
        if direction is not None and known[lane] not in ("both", direction):
            raise MalformedBody.of(
                f"settings.{where}", f"lane {lane} is an {known[lane]}, not an {direction}", direction
            )


async def own_device(tx: Tx, caller: Caller, device: DeviceId) -> Row:
    """The row of a device that `caller` covers. Raises UnknownDevice."""
    row = await devices.find_device(tx, device, caller.covered)
    if row is None:
        raise UnknownDevice(device=device)
    return row


async def remove_device(tx: Tx, caller: Caller, device: DeviceId) -> None:
    """Forget a device. Raises UnknownDevice."""
    row = await devices.delete_device(tx, device, caller.covered)
    if row is None:
        raise UnknownDevice(device=device)
    await _audited(tx, caller, row["operator"], "device.remove", device=device, detail={"car_park": row["car_park"]})


async def _audited(
    tx: Tx, caller: Caller, operator: str, action: str, *, device: DeviceId, detail: Mapping[str, Any]
) -> None:
    await audit.record(
        tx, actor=caller.principal, operator=operator, action=action, subject=f"device/{device}", detail=detail
    )
    await audit.bump_revision(tx)
