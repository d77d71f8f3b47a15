"""Nwave NPS405 (flush and surface mount): the state in bit 0, how long the one before lasted in the other seven."""

from contracts.profiles import Example
from gateway.profiles.profile import (
    OCCUPIED,
    Frame,
    Profile,
    Reading,
    Unreadable,
    occupied_if,
    signed,
    wrong_length,
)
from gateway.profiles.settings import DeviceSettings

STATUS, HEARTBEAT, STARTUP, DEBUG, REGISTRATION = 1, 2, 3, 6, 10


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """A tag's registration (5 bytes, 6 with the tag's battery) says "occupied" or nothing at all of the space."""
    del settings
    payload = frame.payload
    if frame.port == STATUS:
        return wrong_length(frame, 1) or Reading(occupied_if(payload[0] & 1))
    if frame.port == HEARTBEAT:
        return wrong_length(frame, 3, 6) or _heartbeat(payload)
    if frame.port == STARTUP:
        return wrong_length(frame, 5) or Reading(occupied_if(payload[4] & 1))
    if frame.port == REGISTRATION:
        return wrong_length(frame, 5, 6) or Reading((OCCUPIED,) if payload[0] & 1 else ())
    return Reading()


def _heartbeat(payload: bytes) -> Reading:
    """Battery from 2.5 V in steps of 4 mV, temperature from 10 degrees in half ones; low by the vendor's rule."""
    battery_mv = 2500 + 4 * payload[1]
    temperature_c = 10 + signed(payload[2:3]) / 2
    return Reading(
        occupied_if(payload[0] & 1),
        battery_mv=battery_mv,
        battery_low=battery_mv < (3000 if temperature_c >= -5 else 2900),
        temperature_c=temperature_c,
    )


PROFILE = Profile(
    name="nwave-nps405",
    vendor="Nwave",
    model="NPS405FM / NPS405SM",
    codec="nwave-nps405-1",
    source="Nwave LoRaWAN Parking Sensor, application protocol; the vendor's decoder at The Things Network",
    example=Example("95", STATUS, "occupied, after 74 minutes free"),
    settings=DeviceSettings,
    decode=decode,
    ports=(STATUS, HEARTBEAT, STARTUP, DEBUG, REGISTRATION),
)
