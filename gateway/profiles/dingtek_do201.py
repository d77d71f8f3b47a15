"""Dingtek DO201, outdoor: ultrasonic and magnetic, with temperature and humidity."""

from contracts.profiles import Example
from gateway.profiles.dingtek import PORT, decode_packet
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable
from gateway.profiles.settings import DeviceSettings


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Telemetry of 23 bytes, parameters of 16."""
    del settings
    return decode_packet(frame, types=frozenset({0x31}), telemetry_bytes=23, parameter_bytes=16, climate=True)


PROFILE = Profile(
    name="dingtek-do201",
    vendor="Dingtek",
    model="DO201",
    codec="dingtek-do201-1",
    source="the vendor's packet description and examples at The Things Network",
    example=Example("800031021706b4100001610010fff6fff0192d00010081", PORT, "occupied, 3.53 V, 25 degrees"),
    settings=DeviceSettings,
    decode=decode,
    ports=(PORT,),
)
