"""Libelium Smart Parking v2: eleven bytes, a header with the state and nine bytes that depend on the frame's type."""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.profile import Frame, Profile, Reading, Unreadable, occupied_if, wrong_length
from gateway.profiles.settings import DeviceSettings
from gateway.refusals import Reason

_WITH_STATE: Final = frozenset({0, 1, 2, 4, 5, 7})
"""Info, keep-alive, answer to a configuration, start 1 and 2, request for the time."""
_STATELESS: Final = frozenset({3, 6, 8})
"""Error, service, signal strength: seen in the field, sent while the sensor does not watch its space."""


def decode(frame: Frame, settings: DeviceSettings) -> Reading | Unreadable:
    """Byte 0: bit 7 occupied, bit 6 battery low, bits 3..0 the type; byte 1 counts.

    Byte 2 is an error in newer firmware and the temperature in older, and no frame says which it is: it is not asked.
    """
    del settings
    cut = wrong_length(frame, 11)
    if cut is not None:
        return cut
    header = frame.payload[0]
    number = header & 0x0F
    battery_low = bool(header & 0x40)
    if number in _STATELESS:
        return Reading(battery_low=battery_low)
    if number not in _WITH_STATE:
        return Unreadable(Reason.UNKNOWN_FRAME, f"frame type {number} is not known")
    return Reading(occupied_if(header & 0x80), battery_low=battery_low)


PROFILE = Profile(
    name="libelium-smart-parking-v2",
    aliases=("libelium-smart-parking", "libelium"),
    vendor="Libelium",
    model="Smart Parking v2",
    codec="libelium-smart-parking-v2-2",
    source="Libelium Smart Parking v2 Technical Guide, uplink frames; layout confirmed by observed frames",
    example=Example("800a010203040506070809", None, "occupied, battery good"),
    settings=DeviceSettings,
    decode=decode,
)
