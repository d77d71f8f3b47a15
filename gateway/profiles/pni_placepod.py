"""PNI PlacePod, in-ground and surface mount, in the manner of Cayenne LPP: channel, type, value.

One uplink may hold several words on the space, oldest first. The vehicle counter of the same name (PlacePod VC) sends
its count, seven bits and one for "was calibrated again", with each vehicle and as a keep-alive; with `lane` and
`direction` set, what it grew by are passages.
"""

from typing import Final

from contracts.profiles import Example
from gateway.profiles.items import split
from gateway.profiles.profile import FREE, OCCUPIED, Count, Frame, Mark, Profile, Reading, Unreadable, signed
from gateway.profiles.settings import CounterSettings
from gateway.refusals import Reason

_TYPE_BYTES: Final = {0x00: 1, 0x01: 1, 0x02: 2, 0x03: 2, 0x65: 2, 0x66: 1, 0x67: 2, 0x68: 1}
_LENGTHS: Final = {bytes((channel, kind)): size for kind, size in _TYPE_BYTES.items() for channel in range(256)}

TEMPERATURE, BATTERY = b"\x02\x67", b"\x03\x02"
PARKING, KEEP_ALIVE = b"\x15\x66", b"\x37\x66"
COUNT, COUNT_KEEP_ALIVE = b"\x21\x00", b"\x37\x00"
ROUND, RESTARTED = 0x80, 0x80
"""Seven bits count; the eighth says that the counter was calibrated or started again."""
_STATES: Final = {b"\x00": FREE, b"\x01": OCCUPIED}


def decode(frame: Frame, settings: CounterSettings) -> Reading | Unreadable:
    """Every item of the frame, in order; any channel that is none of the sensor's own is heard and means nothing."""
    del settings
    items = split(frame.payload, _LENGTHS, key_bytes=2)
    if isinstance(items, Unreadable):
        return items
    marks: list[Mark] = []
    counts: list[Count] = []
    battery_mv = temperature_c = None
    for item in items:
        if item.key in {PARKING, KEEP_ALIVE}:
            state = _STATES.get(item.value)
            if state is None:
                return Unreadable(Reason.UNKNOWN_STATE, f"parking status {item.value[0]} is neither 0 nor 1")
            marks.append(state)
        elif item.key in {COUNT, COUNT_KEEP_ALIVE}:
            counts.append(Count(item.value[0] & ~RESTARTED, ROUND, anew=bool(item.value[0] & RESTARTED)))
        elif item.key == TEMPERATURE:
            temperature_c = signed(item.value) / 10
        elif item.key == BATTERY:
            battery_mv = 10 * signed(item.value)
    return Reading(
        tuple(marks),
        tuple(counts),
        battery_mv=battery_mv,
        temperature_c=temperature_c,
    )


PROFILE = Profile(
    name="pni-placepod",
    vendor="PNI",
    model="PlacePod",
    codec="pni-placepod-2",
    source="PNI PlacePod Sensor, Communications Protocol",
    example=Example("156601156600", None, "occupied, then free again"),
    settings=CounterSettings,
    decode=decode,
    measures="space or passages",
)
