"""Nwave NPS310 (surface mount NPS310SM): one bit, on a port for each occasion."""

from contracts.profiles import Example
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable, occupied_if, wrong_length
from gateway.profiles.settings import DeviceSettings

STATUS, HEARTBEAT, STARTUP, DEBUG = 1, 2, 3, 6


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Bit 0 of the first byte is the state; in a start-up frame, after firmware and reset cause, of the fifth."""
    del settings
    payload = frame.payload
    if frame.port == STATUS:
        return wrong_length(frame, 1) or Reading(occupied_if(payload[0] & 1))
    if frame.port == HEARTBEAT:
        return wrong_length(frame, 1) or Reading(occupied_if(payload[0] & 1))
    if frame.port == STARTUP:
        return wrong_length(frame, 5) or Reading(occupied_if(payload[4] & 1))
    return Reading()


PROFILE = Profile(
    name="nwave-nps310sm",
    aliases=("nwave-nps310",),
    vendor="Nwave",
    model="NPS310 / NPS310SM",
    codec="nwave-nps310-1",
    source="Nwave LoRaWAN Parking Sensor, application protocol; the vendor's decoder at The Things Network",
    example=Example("01", STATUS, "occupied"),
    settings=DeviceSettings,
    decode=decode,
    ports=(STATUS, HEARTBEAT, STARTUP, DEBUG),
)
