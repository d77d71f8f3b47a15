"""VZenith (臻识) cameras over MQTT: `device/{sn}/message/up/{name}`, in older firmware `{sn}/device/message/up/{name}`.

After the maker's description of its MQTT messages (open.vzicloud.com, 订阅识别结果; R3/R5 v1.1.14). `ivs_result` is a
plate; its text is base64 of UTF-8, of GBK where a car park's software wanted that. The envelope's time
is when it was sent, `Timeval` when the plate was read: the passage's, also of what was kept while the line was down.
"""

import base64
import binascii
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from contracts.vehicles import PlateColor
from gateway.cameras.reading import CameraReading, passage_id, plate_read
from gateway.events import Refused
from gateway.refusals import Reason, explain
from gateway.share import share_of_hundred

CODEC: Final = "vzenith-ivs-2"
URL_CHARACTERS_MAX: Final = 2048

COLORS: Final[dict[int, PlateColor]] = {1: "blue", 2: "yellow", 3: "white", 4: "black", 5: "green", 6: "yellow_green"}
NEW_ENERGY: Final = 19
CLASSES: Final = {1: "small", 3: "large", 4: "large"}
"""By the kind of plate: blue ones are small vehicles', single and double yellow ones those of large vehicles."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX: Final = 253_402_300_800 - 86_400
"""Up to the last day of the year 9999."""


class _Timeval(Struct):
    sec: int
    usec: int = 0


class _Stamp(Struct, rename={"timeval": "Timeval"}):
    timeval: _Timeval


class _PlateResult(Struct):
    """What is read of it; the rest (pictures, boxes, marks of the maker's own) is passed over."""

    license: str
    timeStamp: _Stamp  # noqa: N815 - the maker's name
    colorType: Any = 0  # noqa: N815
    type: Any = 0
    confidence: Any = None
    direction: Any = 0
    imagePath: Any = None  # noqa: N815


class _Result(Struct, rename={"plate": "PlateResult"}):
    plate: _PlateResult


class _Alarm(Struct):
    result: _Result
    channel: Any = 0


class _Payload(Struct, rename={"alarm": "AlarmInfoPlate"}):
    alarm: _Alarm


class _Envelope(Struct):
    payload: Raw = Raw(b"null")


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_payload = msgspec.json.Decoder(_Payload).decode


def read_result(device: str, payload: bytes) -> CameraReading | Refused:
    """What `payload`, an `ivs_result`, says that `device` read. Never raises for what a camera sends."""
    try:
        alarm = _read_payload(_read_envelope(payload).payload).alarm
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refused(*explain(error))
    result = alarm.result.plate
    text = _text(result.license)
    if text is None:
        return Refused(Reason.INVALID_VALUE, "`license` is not base64 of UTF-8 or GBK")
    at = _moment(result.timeStamp.timeval)
    if at is None:
        return Refused(Reason.TIME_OUT_OF_RANGE, "`timeStamp.Timeval` is no time")
    color = COLORS.get(result.colorType) if isinstance(result.colorType, int) else None
    return CameraReading(
        id=passage_id("vz", device, alarm.channel, at.isoformat(), text),
        at=at,
        plate=plate_read(text),
        color=color,
        vehicle_class=_class(result.type, color),
        confidence=share_of_hundred(result.confidence),
        image=_address(result.imagePath),
        heading=str(result.direction)[:32],
        line=str(alarm.channel)[:32],
    )


def _text(license_: str) -> str | None:
    """The plate as text. Firmware that does not wrap it into base64 writes its Chinese characters as they are."""
    if not license_.isascii():
        return license_
    try:
        raw = base64.b64decode(license_, validate=True)
    except (binascii.Error, ValueError):
        return None
    for encoding in ("utf-8", "gbk"):
        try:
            text = raw.decode(encoding).rstrip("\0")
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            return text
    return None


def _moment(said: _Timeval) -> datetime | None:
    if not 0 <= said.sec < _SECONDS_MAX or not 0 <= said.usec < 1_000_000:
        return None
    return _EPOCH + timedelta(seconds=said.sec, microseconds=said.usec)


def _class(kind: object, color: PlateColor | None) -> str | None:
    if not isinstance(kind, int):
        return None
    if kind == NEW_ENERGY and color in ("green", "yellow_green"):
        return "small" if color == "green" else "large"
    return CLASSES.get(kind)


def _address(path: object) -> str | None:
    """Where the picture lies when the camera put it somewhere: an address without its signature, else nothing."""
    if not isinstance(path, str) or len(path) > URL_CHARACTERS_MAX * 2:
        return None
    with contextlib.suppress(binascii.Error, ValueError):
        path = base64.b64decode(path, validate=True).decode()
    address = path.split("?", 1)[0]
    return address if address.startswith(("https://", "http://")) and len(address) <= URL_CHARACTERS_MAX else None
