"""Milesight EM400 (MUD, UDL, TLD): ultrasonic or time-of-flight distance, with temperature."""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.milesight import answers, decode_distance
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable
from gateway.profiles.settings import DistanceSettings

TEMPERATURE, DISTANCE, TILT, LOCATION = b"\x03\x67", b"\x04\x82", b"\x05\x00", b"\x06\x88"
TEMPERATURE_ALARM, DISTANCE_ALARM, TAKEN_DOWN = b"\x83\x67", b"\x84\x82", b"\x88\x00"
_ANSWERS: Final = {
    0x02: 2,
    0x03: 2,
    0x06: 9,
    0x10: 1,
    0x13: 1,
    0x1C: 2,
    0x28: 1,
    0x3E: 1,
    0x4A: 1,
    0x56: 1,
    0x70: 2,
    0x71: 1,
    0x77: 2,
    0xA1: 1,
    0xA2: 2,
    0xA3: 1,
    0xA4: 1,
    0xA5: 1,
    0xA6: 1,
}
_LENGTHS: Final = {
    TEMPERATURE: 2,
    DISTANCE: 2,
    TILT: 1,
    LOCATION: 9,
    TEMPERATURE_ALARM: 3,
    DISTANCE_ALARM: 3,
    TAKEN_DOWN: 1,
    **answers(_ANSWERS),
}


def decode(frame: Frame, settings: DistanceSettings) -> Reading | Unreadable:
    """The distance against the threshold; the device's own alarm, which has a threshold of its own, is not asked.

    Neither is its tilt: "normal" is how it was calibrated, and one that hangs from a ceiling may always be tilted.
    """
    return decode_distance(
        frame,
        settings,
        lengths=_LENGTHS,
        distances=frozenset({DISTANCE, DISTANCE_ALARM}),
        temperatures=frozenset({TEMPERATURE, TEMPERATURE_ALARM}),
        faults={},
    )


PROFILE = Profile(
    name="milesight-em400",
    aliases=("milesight-em400-mud", "milesight-em400-udl", "milesight-em400-tld"),
    vendor="Milesight",
    model="EM400-MUD / EM400-UDL / EM400-TLD",
    codec="milesight-em400-2",
    source="Milesight EM400, payload definition",
    example=Example("01755c0367010104824408050001", 85, "battery 92 %, 25.7 degrees, 2,116 mm, tilted"),
    settings=DistanceSettings,
    decode=decode,
)
