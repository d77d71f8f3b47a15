"""What a camera read of one vehicle, whatever its make, and what its place in the registry makes of it. Pure.

A camera knows neither lane nor direction as we call them: its device's `settings` do.
"""

import hashlib
from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.facts import PassageSeen
from contracts.vehicles import PlateColor
from contracts.wire import PassageMessage, Plate
from gateway.cameras.settings import CameraSettings
from gateway.directory import KnownCarPark
from gateway.events import Refused, take_passage
from gateway.refusals import Reason

PLATE_CHARACTERS_MAX: Final = 32
UNREAD: Final = frozenset(
    {"", "无", "_无_", "无牌", "无牌车", "无车牌", "未识别", "UNKNOWN", "NOPLATE", "NONE", "NULL"}
)
"""What cameras write when they saw a vehicle and no plate."""


class CameraReading(Struct, frozen=True):
    """One vehicle seen. `plate` None: it had none that could be read. `heading` and `line` are the camera's own words.

    What was kept while the line was down comes after newer ones, with its own time.
    """

    id: str
    at: datetime
    plate: str | None
    color: PlateColor | None = None
    vehicle_class: str | None = None
    confidence: float | None = None
    image: str | None = None
    heading: str = ""
    line: str = ""


class Unheeded(Struct, frozen=True):
    """A message that is no passage and not meant to be one: a heartbeat, a barrier's state, the other way."""


def passage_of(
    reading: CameraReading, settings: CameraSettings, car_park: KnownCarPark, received_at: datetime
) -> PassageSeen | Refused | Unheeded:
    """The passage that `reading` is, exactly as if the car park had sent it on `passages`."""
    lane = settings.lanes.get(reading.line, settings.lane)
    way = settings.directions.get(reading.heading.lower(), settings.direction)
    if way == "ignore":
        return Unheeded()
    if lane is None or way is None:
        lacking = "lane" if lane is None else "direction"
        return Refused(Reason.INVALID_SETTINGS, f"the settings of the device name no `{lacking}` for this passage")
    if reading.plate is not None and len(reading.plate) > PLATE_CHARACTERS_MAX:
        return Refused(Reason.INVALID_VALUE, f"a plate has at most {PLATE_CHARACTERS_MAX} characters")
    return take_passage(
        PassageMessage(
            id=reading.id,
            lane=lane,
            direction=way,
            at=reading.at,
            vehicle=None if reading.plate is None else Plate(reading.plate, reading.color),
            class_=reading.vehicle_class,
            confidence=reading.confidence,
            image=reading.image,
        ),
        car_park,
        received_at,
    )


def passage_id(maker: str, device: str, *what: object) -> str:
    """The same for every repeat of what one camera saw once: from what it saw, not from how often it told it."""
    said = "\0".join(str(part) for part in (device, *what))
    return f"{maker}-{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"


def plate_read(text: str) -> str | None:
    """What a camera wrote as a plate, None when it read none; of several plates of one vehicle the mainland's."""
    first = text.split("|", 1)[0].strip()
    return None if first.upper() in UNREAD else first
