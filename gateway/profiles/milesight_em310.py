"""Milesight EM310-UDL: ultrasonic distance."""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.milesight import answers, decode_distance
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable
from gateway.profiles.settings import DistanceSettings

DISTANCE, TILT = b"\x03\x82", b"\x04\x00"
_LENGTHS: Final = {DISTANCE: 2, TILT: 1, **answers({0x02: 2, 0x03: 2, 0x06: 9, 0x10: 1, 0x28: 1})}


def decode(frame: Frame, settings: DistanceSettings) -> Reading | Unreadable:
    """The distance against the threshold."""
    return decode_distance(
        frame,
        settings,
        lengths=_LENGTHS,
        distances=frozenset({DISTANCE}),
        temperatures=frozenset(),
        faults={},
    )


PROFILE = Profile(
    name="milesight-em310",
    aliases=("milesight-em310-udl",),
    vendor="Milesight",
    model="EM310-UDL",
    codec="milesight-em310-1",
    source="Milesight EM310-UDL, payload definition",
    example=Example("01755c03824408040001", 85, "battery 92 %, 2,116 mm, tilted"),
    settings=DistanceSettings,
    decode=decode,
)
