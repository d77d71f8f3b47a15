"""The packet of all Dingtek parking sensors: `80 00 type kind length ... 81`, the length being that of the whole.

DO201 and DO202 send the same one, with temperature and humidity, and differ in the type that they name.
"""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.profile import FREE, OCCUPIED, Frame, Profile, Reading, Unreadable, signed, wrong_length
from gateway.profiles.settings import DeviceSettings
from gateway.refusals import Reason

PORT: Final = 3
PERIODIC, ALARM, PARAMETERS = 0x01, 0x02, 0x03
_STATES: Final = {0: FREE, 1: OCCUPIED}


def decode_packet(
    frame: Frame, *, device_type: int, telemetry_bytes: int, parameter_bytes: int, climate: bool
) -> Reading | Unreadable:
    """A telemetry or parameter packet of a sensor of `device_type`; `climate`: temperature and humidity are in it."""
    payload = frame.payload
    cut = wrong_length(frame, telemetry_bytes, parameter_bytes)
    if cut is not None:
        return cut
    if payload[0] != 0x80 or payload[1] != 0x00 or payload[-1] != 0x81:
        return Unreadable(Reason.UNKNOWN_FRAME, "a packet begins with 80 00 and ends with 81")
    if payload[2] != device_type:
        return Unreadable(Reason.UNKNOWN_FRAME, f"device type {payload[2]:#04x} at byte 2 is another sensor's")
    if payload[4] != len(payload):
        return Unreadable(Reason.WRONG_LENGTH, f"byte 4 says {payload[4]} bytes, {len(payload)} came")
    if payload[3] == PARAMETERS and len(payload) == parameter_bytes:
        return Reading()
    if payload[3] in {PERIODIC, ALARM} and len(payload) == telemetry_bytes:
        return _telemetry(payload, climate=climate)
    return Unreadable(Reason.UNKNOWN_FRAME, f"packet kind {payload[3]:#04x} of {len(payload)} bytes is not known")


def _telemetry(payload: bytes, *, climate: bool) -> Reading | Unreadable:
    """Byte 7: the parking state above, the level's alarm below; byte 8: magnet and battery; then centivolts."""
    state = _STATES.get(payload[7] >> 4)
    if state is None:
        return Unreadable(Reason.UNKNOWN_STATE, f"parking state {payload[7] >> 4} at byte 7 is neither 0 nor 1")
    return Reading(
        (state,),
        battery_mv=10 * int.from_bytes(payload[9:11], "big"),
        battery_low=payload[8] & 0x0F != 0,
        temperature_c=signed(payload[17:18]) if climate else None,
    )


def climate_profile(model: str, device_type: int) -> Profile[DeviceSettings]:
    """Of a sensor with telemetry of 23 bytes and parameters of 16."""

    def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
        del settings
        return decode_packet(frame, device_type=device_type, telemetry_bytes=23, parameter_bytes=16, climate=True)

    example = f"8000{device_type:02x}021706b4100001610010fff6fff0192d00010081"
    return Profile(
        name=f"dingtek-{model.lower()}",
        vendor="Dingtek",
        model=model,
        codec=f"dingtek-{model.lower()}-1",
        source="the vendor's packet description and examples at The Things Network",
        example=Example(example, PORT, "occupied, 3.53 V, 25 degrees"),
        settings=DeviceSettings,
        decode=decode,
        ports=(PORT,),
    )
