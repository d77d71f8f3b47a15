"""A camera's message becomes a passage, or a reason why not; heartbeats and the like become nothing. Pure.

The topic says which device speaks: over MQTT it is the camera's own, over HTTP the one under which its request is
filed. What the message says of itself never wins over it.
"""

from datetime import datetime
from typing import Final

from contracts.facts import DeviceHeard, PassageSeen
from contracts.wire import PAYLOAD_BYTES_MAX
from gateway.cameras import hikvision, vzenith
from gateway.cameras.alert import ALERT_BYTES_MAX
from gateway.cameras.reading import CameraReading, Unheeded, passage_of
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import HIKVISION, VZENITH, CameraTopic
from gateway.directory import Directory, KnownCarPark
from gateway.events import Decoded, Refused
from gateway.refusals import Reason, Reject

CODECS: Final = {VZENITH: vzenith.CODEC, HIKVISION: hikvision.CODEC}


def hear_camera(
    topic: CameraTopic,
    payload: bytes,
    received_at: datetime,
    directory: Directory,
    *,
    payload_bytes: int | None = None,
) -> Decoded:
    """What the camera of `topic` said, with its place as `directory` knows it. Never raises for what it says.

    `payload_bytes` is its true length where only its beginning was kept.
    """
    device = directory.device(topic.device)
    car_park = None if device is None else directory.car_park(device.car_park)
    if device is None or car_park is None:
        if not topic.may_be_passage:
            return Decoded(None)
        return _refused(None, Refused(Reason.UNKNOWN_DEVICE, f"no device {topic.device!r} is registered"))
    if device.language != topic.profile:
        detail = f"device {topic.device!r} has another profile than {topic.profile}, whose language this is"
        return _refused(car_park, Refused(Reason.UNKNOWN_PROFILE, detail))
    seen = DeviceHeard(device.id, car_park.id, received_at, received_at)
    if not topic.may_be_passage:
        return Decoded(car_park, seen=seen)
    if device.camera is None:
        return _refused(car_park, Refused(device.refusal or Reason.INVALID_SETTINGS, device.detail))
    said = _read(topic, device.camera, payload, len(payload) if payload_bytes is None else payload_bytes)
    passage = passage_of(said, device.camera, car_park, received_at) if isinstance(said, CameraReading) else said
    codec, version = CODECS[topic.profile], directory.version
    match passage:
        case PassageSeen():
            return Decoded(car_park, passages=(passage,), seen=seen, codec=codec, read_with=version)
        case Unheeded():
            return Decoded(car_park, seen=seen, codec=codec, read_with=version)
    return _refused(car_park, passage, codec)


def _read(
    topic: CameraTopic, settings: CameraSettings, payload: bytes, payload_bytes: int
) -> CameraReading | Unheeded | Refused:
    if not payload:
        return Refused(Reason.EMPTY, "the message has no payload")
    limit = PAYLOAD_BYTES_MAX if topic.profile == VZENITH else ALERT_BYTES_MAX
    if payload_bytes > min(limit, len(payload)):
        advice = "; let the camera send its pictures elsewhere" if topic.profile == VZENITH else ""
        return Refused(Reason.OVERSIZED, f"{payload_bytes} bytes; the limit is {limit}{advice}")
    if topic.profile == VZENITH:
        return vzenith.read_result(topic.device, payload)
    return hikvision.read_event(topic.device, payload, settings.zone())


def _refused(car_park: KnownCarPark | None, refused: Refused, codec: str = "") -> Decoded:
    return Decoded(car_park, rejects=(Reject(refused.reason, refused.detail),), codec=codec)
