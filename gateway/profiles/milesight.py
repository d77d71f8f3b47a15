"""What Milesight's distance sensors EM310-UDL, EM400 and EM410-RDL share: channel, type, value, least byte first.

Lengths of the answers to downlinks (channel fe or ff) are in here only so that a frame with one in it is read to its
end. A distance that is no distance (nothing in sight, sensor at fault) makes the space unknown, not free.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gateway.profiles.items import split
from gateway.profiles.profile import UNKNOWN, Frame, Mark, Reading, Unreadable
from gateway.profiles.settings import DistanceSettings
from gateway.share import share_of_hundred

DISTANCE_MM_MAX: Final = 0x7FFF
"""What lies above is negative (nearer than where the operator set zero), no target, switched off, or a sensor at fault;
0 is nothing measured."""

INFORMATION: Final = {
    b"\xff\x01": 1,
    b"\xff\x09": 2,
    b"\xff\x0a": 2,
    b"\xff\xff": 2,
    b"\xff\x16": 8,
    b"\xff\x0f": 1,
    b"\xff\xfe": 1,
    b"\xff\x0b": 1,
}
"""Versions, serial number, class, reset, switched on: sent once after a join."""
BATTERY: Final = b"\x01\x75"


def answers(lengths: Mapping[int, int]) -> dict[bytes, int]:
    """Keys of the answers to downlinks, on both channels that carry them, where they are not already information."""
    keys = {bytes((channel, kind)): size for kind, size in lengths.items() for channel in (0xFE, 0xFF)}
    return {key: size for key, size in keys.items() if key not in INFORMATION}


def decode_distance(
    frame: Frame,
    settings: DistanceSettings,
    *,
    lengths: Mapping[bytes, int],
    distances: frozenset[bytes],
    temperatures: frozenset[bytes],
    faults: Mapping[bytes, frozenset[int]],
    history: bytes | None = None,
) -> Reading | Unreadable:
    """All items of the frame. `faults`: keys whose last byte says that the distance before it is none."""
    items = split(frame.payload, {**INFORMATION, BATTERY: 1, **lengths}, key_bytes=2)
    if isinstance(items, Unreadable):
        return items
    battery = temperature_c = None
    marks: list[Mark] = []
    for item in items:
        if item.key == BATTERY:
            battery = share_of_hundred(item.value[0])
        elif item.key in temperatures:
            temperature_c = int.from_bytes(item.value[:2], "little", signed=True) / 10
        elif item.key == history:
            marks += _mark(item.value[4:6], settings, at=_time(item.value))
        elif item.key in distances:
            at_fault = item.value[-1] in faults.get(item.key, ())
            marks += (UNKNOWN,) if at_fault else _mark(item.value[:2], settings)
    return Reading(tuple(marks), battery=battery, temperature_c=temperature_c)


def _mark(raw: bytes, settings: DistanceSettings, at: datetime | None = None) -> tuple[Mark, ...]:
    """Nothing where the distance is too close to the threshold to say."""
    distance_mm = int.from_bytes(raw, "little")
    if not 0 < distance_mm <= DISTANCE_MM_MAX:
        return (Mark("unknown", at),)
    state = settings.state(distance_mm)
    return () if state is None else (Mark(state, at),)


def _time(value: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(value[:4], "little"), UTC)
