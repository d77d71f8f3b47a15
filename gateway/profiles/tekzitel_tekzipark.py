"""TEKZITEL TEKZIPARK: radar and magnetometer; port 1 is its daily work, port 2 its debug mode."""

from contracts.profiles import Example
from gateway.profiles.profile import (
    UNKNOWN,
    Frame,
    Profile,
    Reading,
    Unreadable,
    occupied_if,
    signed,
    wrong_length,
)
from gateway.profiles.settings import DeviceSettings
from gateway.refusals import Reason

WORK, DEBUG = 1, 2
FAULT = 9
"""The byte of a debug frame that names what is wrong with the sensor; 0 = nothing."""
OBSTRUCTED = 0x10
BEACONS_MAX = 16
"""More than it can be set to look for."""


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Flags, temperature, parking id; on port 1 perhaps the strength and the two-byte ids of Bluetooth beacons."""
    del settings
    if frame.port == DEBUG:
        return wrong_length(frame, 12) or _flags(frame.payload, faulty=frame.payload[FAULT] != 0)
    size = len(frame.payload)
    if size < 3 or (size > 3 and size % 2) or size > 4 + 2 * BEACONS_MAX:
        return Unreadable(Reason.WRONG_LENGTH, f"{size} bytes; a frame has 3, or 4 and 2 for each beacon")
    return _flags(frame.payload, faulty=False)


def _flags(payload: bytes, *, faulty: bool) -> Reading:
    """Bit 7 occupied, 5 battery good, 4 obstructed, 3 seen by radar, 2 no beacon, 1 after a reset, 0 keep-alive.

    Something that lies on the sensor hides a vehicle from its radar: then "occupied" is believed, "free" is not.
    """
    flags = payload[0]
    marks = occupied_if(flags & 0x80)
    if faulty or flags & 0x90 == OBSTRUCTED:
        marks = (UNKNOWN,)
    return Reading(marks, battery_low=not flags & 0x20, temperature_c=signed(payload[1:2]))


PROFILE = Profile(
    name="tekzitel-tekzipark",
    aliases=("tekzitel",),
    vendor="TEKZITEL",
    model="TEKZIPARK",
    codec="tekzitel-tekzipark-2",
    source="the vendor's decoder and examples at The Things Network",
    example=Example("a82d63", WORK, "occupied, seen by radar, battery good, 45 degrees"),
    settings=DeviceSettings,
    decode=decode,
    ports=(WORK, DEBUG),
)
