"""Hikvision cameras over HTTP: `EventNotificationAlert` with an `ANPR` part, as XML or JSON. Pure.

After ISAPI's description of its event messages and what cameras in the field send: two makers' and several standards'
namespaces, prefixes by recorders that pass events on, mainland firmware that writes the colour before the plate
(`蓝苏A8HK52`), `unknown` for a vehicle without one. Repeats of an event differ in `activePostCount` and some firmware
has no `UUID` worth the name, so what one camera saw at one moment of one plate is one passage.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from contracts.vehicles import PROVINCES, PlateColor
from gateway.cameras.alert import read_alert
from gateway.cameras.reading import CameraReading, Unheeded, passage_id, plate_read
from gateway.events import Refused
from gateway.refusals import Reason
from gateway.share import share_of_hundred

CODEC: Final = "hikvision-isapi-1"
TEXT_CHARACTERS_MAX: Final = 64

COLORS: Final[Mapping[str, PlateColor]] = {
    "blue": "blue",
    "yellow": "yellow",
    "white": "white",
    "black": "black",
    "civilaviationblack": "black",
    "green": "green",
    "newenergygreen": "green",
    "civilaviationgreen": "green",
    "newenergyyellowgreen": "yellow_green",
    "yellowgreen": "yellow_green",
}
PREFIXES: Final[Mapping[str, PlateColor]] = {
    "黄绿": "yellow_green",
    "蓝": "blue",
    "黄": "yellow",
    "白": "white",
    "黑": "black",
    "绿": "green",
}
"""Longest first."""
CLASSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("vehicle", "suvmpv", "suv", "mpv", "van", "buggy", "smallcar", "pickuptruck", "minitruck"), "small"
    ),
    **dict.fromkeys(("smalltruck", "mediumbus", "lighttruck"), "medium"),
    **dict.fromkeys(("largebus", "bus", "truck", "largetruck", "heavytruck", "trailer", "containertruck"), "large"),
}


def read_event(device: str, payload: bytes, zone: tzinfo | None) -> CameraReading | Unheeded | Refused:
    """What `payload` says that `device` posted; `zone` is that of a camera whose clock does not say its own.

    Never raises for what a camera sends.
    """
    alert = read_alert(payload)
    if isinstance(alert, Refused):
        return alert
    kind = _text(alert, "eventType")
    if not kind:
        return Refused(Reason.MISSING_FIELD, "the alert has no `eventType`")
    anpr = alert.get("ANPR", alert)
    if kind.upper() != "ANPR" or _text(alert, "eventState").lower() == "inactive":
        return Unheeded()
    if not isinstance(anpr, Mapping):
        return Refused(Reason.MISSING_FIELD, "the alert has no `ANPR`")
    written = next((anpr[name] for name in ("licensePlate", "originalLicensePlate") if name in anpr), None)
    if not isinstance(written, str | int):
        return Refused(Reason.MISSING_FIELD, "the alert has no `licensePlate`")
    at = _moment(_text(alert, "dateTime"), zone)
    if isinstance(at, Refused):
        return at
    plate, color = _without_color(plate_read(str(written)))
    line = _text(anpr, "line")
    return CameraReading(
        id=passage_id("hk", device, at.isoformat(), line, str(written)),
        at=at,
        plate=plate,
        color=COLORS.get(_text(anpr, "plateColor").lower(), color),
        vehicle_class=CLASSES.get(_text(anpr, "vehicleType").lower()),
        confidence=share_of_hundred(anpr.get("confidenceLevel")),
        heading=_text(anpr, "direction"),
        line=line,
    )


def _without_color(plate: str | None) -> tuple[str | None, PlateColor | None]:
    """The plate alone, and the colour that was written before it: only where a province follows, for 黑 is one too."""
    if plate is not None:
        for prefix, color in PREFIXES.items():
            rest = plate.removeprefix(prefix)
            if rest != plate and rest[:1] in PROVINCES and len(rest) > 1 and rest[1].isalpha():
                return rest, color
    return plate, None


def _moment(text: str, zone: tzinfo | None) -> datetime | Refused:
    if not text:
        return Refused(Reason.MISSING_FIELD, "the alert has no `dateTime`")
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            if zone is None:
                return Refused(Reason.NAIVE_TIME, "`dateTime` has no offset: give the device a `utc_offset`")
            at = at.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return Refused(Reason.INVALID_TIME, f"`dateTime` is no time: {text[:40]!r}")


def _text(parts: Mapping[str, Any], name: str) -> str:
    value = parts.get(name, "")
    return str(value).strip()[:TEXT_CHARACTERS_MAX] if isinstance(value, str | int | float) else ""
