"""A camera's message becomes a passage, or a reason why not; heartbeats and the like become nothing. Pure.

The topic says which device speaks: over MQTT it is the camera's own, over HTTP the one under which its request is
filed. What the message says of itself never wins over it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from contracts.facts import PassageSeen
from gateway.cameras import hikvision, vzenith
from gateway.cameras.alert import ALERT_BYTES_MAX
from gateway.cameras.reading import CameraReading, Unheeded, passage_of
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import CAMERA_PROFILES, HIKVISION, VZENITH, CameraTopic
from gateway.directory import KnownCarPark
from gateway.events import Decoded, Refused
from gateway.refusals import Reason, Reject

CODECS: Final = {VZENITH: vzenith.CODEC, HIKVISION: hikvision.CODEC}


def read_settings(device: str, profile: str, settings: Mapping[str, object]) -> CameraSettings | Refused:
    """The camera's place, as its operator set it."""
    if profile not in CAMERA_PROFILES:
        return Refused(Reason.UNKNOWN_PROFILE, f"device {device!r} has the profile {profile!r}, which is no camera's")
    try:
        return CameraSettings.model_validate(settings)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "settings"
        return Refused(Reason.INVALID_SETTINGS, f"settings of device {device!r}: {where}: {fault['msg']}")


def decode_camera(
    topic: CameraTopic,
    profile: str,
    settings: CameraSettings | Refused,
    car_park: KnownCarPark,
    *,
    payload: bytes,
    received_at: datetime,
    payload_bytes: int | None = None,
) -> Decoded:
    """What the registered device of `topic`, with its `profile` and `settings`, said. Never raises for what it says."""
    if profile != topic.profile:
        detail = f"device {topic.device!r} has the profile {profile!r}; this is the language of {topic.profile}"
        return _refused(car_park, Refused(Reason.UNKNOWN_PROFILE, detail))
    if isinstance(settings, Refused):
        return _refused(car_park, settings)
    said = _read(topic, settings, payload, payload_bytes)
    passage = passage_of(said, settings, car_park, received_at) if isinstance(said, CameraReading) else said
    match passage:
        case PassageSeen():
            return Decoded(car_park, passages=(passage,))
        case Unheeded():
            return Decoded(car_park)
    return _refused(car_park, passage)


def _read(
    topic: CameraTopic, settings: CameraSettings, payload: bytes, payload_bytes: int | None
) -> CameraReading | Unheeded | Refused:
    if topic.profile == VZENITH:
        return vzenith.read_message(topic.device, topic.name, payload)
    if payload_bytes is not None and payload_bytes > len(payload):
        return Refused(Reason.OVERSIZED, f"{payload_bytes} bytes; an event has at most {ALERT_BYTES_MAX}")
    return hikvision.read_event(topic.device, payload, settings.zone())


def _refused(car_park: KnownCarPark | None, refused: Refused) -> Decoded:
    return Decoded(car_park, rejects=(Reject(refused.reason, refused.detail),))
