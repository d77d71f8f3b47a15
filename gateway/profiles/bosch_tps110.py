"""Bosch Parking Lot Sensor TPS110, firmware 0.23 (heartbeat of one byte) and 0.29 (with the temperature)."""

from contracts.profiles import Example
from gateway.profiles.profile import (
    Frame,
    Profile,
    Reading,
    Unreadable,
    occupied_if,
    signed,
    too_short,
    wrong_length,
)
from gateway.profiles.settings import DeviceSettings

STATUS, HEARTBEAT, STARTUP, INFORMATION, USAGE, DEBUG = 1, 2, 3, 4, 5, 6


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Bit 0 of the first byte is the state; in a start-up frame (debug codes, firmware, reset cause), of the last."""
    del settings
    payload = frame.payload
    if frame.port == STATUS:
        return wrong_length(frame, 1) or Reading(occupied_if(payload[0] & 1))
    if frame.port == HEARTBEAT:
        celsius = signed(payload[1:2]) if len(payload) == 2 else None
        return wrong_length(frame, 1, 2) or Reading(occupied_if(payload[0] & 1), temperature_c=celsius)
    if frame.port == STARTUP:
        return wrong_length(frame, 17) or Reading(occupied_if(payload[16] & 1))
    if frame.port == DEBUG:
        return too_short(frame, 10) or Reading()
    return Reading()


PROFILE = Profile(
    name="bosch-tps110",
    vendor="Bosch",
    model="TPS110",
    codec="bosch-tps110-1",
    source="Bosch PLS Communication Interface, Technical Description v0.23.3 and v0.29.4",
    example=Example("01", STATUS, "occupied"),
    settings=DeviceSettings,
    decode=decode,
    ports=(STATUS, HEARTBEAT, STARTUP, INFORMATION, USAGE, DEBUG),
)
