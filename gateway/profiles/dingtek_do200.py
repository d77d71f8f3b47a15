"""Dingtek DO200: ultrasonic and magnetic, without temperature."""

from contracts.profiles import Example
from gateway.profiles.dingtek import PORT, decode_packet
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable
from gateway.profiles.settings import DeviceSettings


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Telemetry of 21 bytes, parameters of 17."""
    del settings
    return decode_packet(frame, device_type=0x02, telemetry_bytes=21, parameter_bytes=17, climate=False)


PROFILE = Profile(
    name="dingtek-do200",
    vendor="Dingtek",
    model="DO200",
    codec="dingtek-do200-1",
    source="the vendor's packet description and examples at The Things Network",
    example=Example("80000201150000100001" + "6f0079ffb0fff500000081", PORT, "occupied, 3.67 V"),
    settings=DeviceSettings,
    decode=decode,
    ports=(PORT,),
)
