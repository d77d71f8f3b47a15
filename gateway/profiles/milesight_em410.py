"""Milesight EM410-RDL: radar distance, with alarms and a history that is sent later, each entry with its own time.

A series of distances (`07 ba`) has one period and no time: it is heard and says nothing of the space.
"""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.milesight import answers, decode_distance
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable
from gateway.profiles.settings import DistanceSettings
from gateway.refusals import Reason

TEMPERATURE, DISTANCE, TILT, STRENGTH = b"\x03\x67", b"\x04\x82", b"\x05\x00", b"\x06\xc7"
DISTANCE_ALARM, MUTATION_ALARM, EXCEPTION, HISTORY = b"\x84\x82", b"\x94\x82", b"\xb4\x82", b"\x20\xce"
VOLTAGE, SERIES = b"\x01\xb9", b"\x07\xba"
EXCEPTIONS: Final = frozenset({1, 2, 3})
"""Something in the blind zone right before the radar, no target, sensor at fault; 0 = that is over."""
_ANSWERS: Final = {
    0x06: 9,
    0x10: 1,
    0x1B: 5,
    0x1C: 2,
    0x27: 1,
    0x28: 1,
    0x2A: 1,
    0x3E: 1,
    0x4A: 1,
    0x68: 1,
    0x69: 1,
    0x6A: 3,
    0x8E: 3,
    0xAB: 3,
    0xBD: 2,
    0xF2: 2,
}
_EXTENDED: Final = {0x12: 1, 0x13: 1, 0x14: 2, 0x15: 2, 0x16: 1, 0x0D: 3, 0x39: 2, 0xC8: 6}
"""On f9; on f8 the result follows."""
_LENGTHS: Final = {
    TEMPERATURE: 2,
    DISTANCE: 2,
    TILT: 1,
    STRENGTH: 2,
    VOLTAGE: 2,
    DISTANCE_ALARM: 3,
    MUTATION_ALARM: 5,
    EXCEPTION: 3,
    HISTORY: 11,
    **answers(_ANSWERS),
    **{bytes((0xF9, kind)): size for kind, size in _EXTENDED.items()},
    **{bytes((0xF8, kind)): size + 1 for kind, size in _EXTENDED.items()},
}


def decode(frame: Frame, settings: DistanceSettings) -> Reading | Unreadable:
    """The distance against the threshold, in whichever item it comes."""
    if frame.payload.startswith(SERIES):
        if len(frame.payload) < 4 or len(frame.payload) % 2:
            return Unreadable(
                Reason.WRONG_LENGTH, f"{len(frame.payload)} bytes; a series has 4 and 2 for each distance"
            )
        return Reading()
    return decode_distance(
        frame,
        settings,
        lengths=_LENGTHS,
        distances=frozenset({DISTANCE, DISTANCE_ALARM, MUTATION_ALARM, EXCEPTION}),
        temperatures=frozenset({TEMPERATURE}),
        faults={EXCEPTION: EXCEPTIONS},
        history=HISTORY,
    )


PROFILE = Profile(
    name="milesight-em410",
    aliases=("milesight-em410-rdl",),
    vendor="Milesight",
    model="EM410-RDL",
    codec="milesight-em410-2",
    source="Milesight EM410-RDL, payload definition",
    example=Example("01755c0367010104824408050000", 85, "battery 92 %, 25.7 degrees, 2,116 mm"),
    settings=DistanceSettings,
    decode=decode,
)
