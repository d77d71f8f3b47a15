"""A registered device as the decoder needs it: its profile found and its settings read, once. Pure."""

import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from contracts.ids import CarParkId, DeviceId
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import CAMERA_PROFILES
from gateway.profiles.profile import AnyProfile
from gateway.profiles.settings import DeviceSettings
from gateway.profiles.table import BY_NAME
from gateway.refusals import Reason

_SEPARATORS = str.maketrans("", "", ":-.")
_EUI = re.compile("[0-9a-f]{16}")
SETTINGS_SHARED_MAX: Final = 1_000
"""Sensors of one make in one car park are set alike: 250,000 of them share a few hundred settings."""

_Placed = tuple[DeviceId, CarParkId, str | None, str | None]


class KnownDevice(Struct, frozen=True, gc=False):
    """What watches `space`, or passes for `zone` or the whole car park. `refusal`: why nothing of it can be read.

    A camera has no radio profile but a `camera`, its place, and `language`, its maker's.
    """

    id: DeviceId
    car_park: CarParkId
    space: str | None
    zone: str | None
    profile: AnyProfile | None
    settings: DeviceSettings | None
    refusal: Reason | None = None
    detail: str = ""
    camera: CameraSettings | None = None
    language: str = ""

    @property
    def key(self) -> str:
        return device_key(self.id)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "KnownDevice":
        """`id, car_park, space, zone, profile, settings` of the registry, whenever they were written."""
        placed = (
            DeviceId(row["id"]),
            CarParkId(sys.intern(row["car_park"])),
            _shared(row["space"]),
            _shared(row["zone"]),
        )
        if row["profile"] in CAMERA_PROFILES:
            return cls._camera(placed, row)
        profile = BY_NAME.get(row["profile"])
        if profile is None:
            detail = f"device {row['id']!r} has the profile {row['profile']!r}, which reads no radio frames"
            return cls(*placed, None, None, Reason.UNKNOWN_PROFILE, detail)
        try:
            return cls(*placed, profile, _settings(profile.name, msgspec.json.encode(row["settings"], order="sorted")))
        except ValidationError as error:
            return cls(*placed, profile, None, Reason.INVALID_SETTINGS, _fault(row, error))

    @classmethod
    def _camera(cls, placed: _Placed, row: Mapping[str, Any]) -> "KnownDevice":
        language: str = row["profile"]
        unread = f"device {row['id']!r} is a camera ({language}), which sends no radio frames"
        try:
            camera = CameraSettings.model_validate(row["settings"])
        except ValidationError as error:
            return cls(*placed, None, None, Reason.INVALID_SETTINGS, _fault(row, error), None, language)
        return cls(*placed, None, None, Reason.UNKNOWN_PROFILE, unread, camera, language)


def _shared(label: str | None) -> str | None:
    """Labels recur in every car park."""
    return None if label is None else sys.intern(label)


@lru_cache(maxsize=SETTINGS_SHARED_MAX)
def _settings(profile: str, settings: bytes) -> DeviceSettings:
    """Raises ValidationError."""
    read: DeviceSettings = BY_NAME[profile].settings.model_validate(msgspec.json.decode(settings))
    return read


def _fault(row: Mapping[str, Any], error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"])) or "settings"
    return f"settings of device {row['id']!r}: {where}: {fault['msg']}"


def device_key(name: str) -> str:
    """What a device is found by: a DevEUI however it is written, any other name without regard to case.

    `registry.heard_as` says the same in SQL, where it keeps two devices from having one key.
    """
    folded = name.lower()
    digits = folded.translate(_SEPARATORS)
    return digits if _EUI.fullmatch(digits) else folded
