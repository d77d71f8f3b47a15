"""Elsys generic payload (ERS, ELT, EMS): type and value, most significant byte first; none of them is made for parking.

What means "occupied" is the operator's to say: a distance below a threshold, a digital input, or the sensor's own
occupancy. Settings of the device (3e) are heard and mean nothing.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.profiles import Example
from gateway.profiles.items import Item, split
from gateway.profiles.profile import FREE, OCCUPIED, UNKNOWN, Frame, Mark, Profile, Reading, Unreadable, signed
from gateway.profiles.settings import DeviceSettings, Distance, Margin, check_margin, state_at
from gateway.refusals import Reason

TEMPERATURE, VDD, DIGITAL, DISTANCE, OCCUPANCY, DIGITAL_2 = b"\x01", b"\x07", b"\x0d", b"\x0e", b"\x11", b"\x1a"
SETTINGS = 0x3E
_BYTES_OF_TYPE: Final = {
    0x01: 2, 0x02: 1, 0x03: 3, 0x04: 2, 0x05: 1, 0x06: 2, 0x07: 2, 0x08: 2, 0x09: 6, 0x0A: 2, 0x0B: 4, 0x0C: 2,
    0x0D: 1, 0x0E: 2, 0x0F: 1, 0x10: 4, 0x11: 1, 0x12: 1, 0x13: 65, 0x14: 4, 0x15: 2, 0x16: 2, 0x17: 4, 0x18: 2,
    0x19: 2, 0x1A: 1, 0x1B: 4, 0x1C: 2, 0x1D: 1, 0x1E: 1, 0x1F: 1, 0x20: 2, 0x21: 1, 0x22: 2, 0x23: 1, 0x24: 1,
    0x3C: 4, 0x3D: 4,
}  # fmt: skip
_LENGTHS: Final = {bytes((kind,)): size for kind, size in _BYTES_OF_TYPE.items()}
_OCCUPANCY: Final = {0: FREE, 1: None, 2: OCCUPIED}
"""1 is "pending": somebody comes or goes, and nobody knows which."""


class ElsysSettings(DeviceSettings):
    """Which of the measurements is the space's, and what of it means "occupied"."""

    threshold_mm: Distance | None = Field(
        default=None,
        validation_alias=AliasChoices("threshold_mm", "occupied_below_mm"),
        description="A distance below this is a vehicle. May also be written `occupied_below_mm`.",
    )
    hysteresis_mm: Margin = Field(default=0, description="Distances closer than this to the threshold change nothing.")
    digital_occupied: Annotated[
        Literal[0, 1] | None, Field(description="The value of the digital input that means occupied.")
    ] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.threshold_mm is not None and self.digital_occupied is not None:
            raise PydanticCustomError("one_measurement", "set threshold_mm or digital_occupied, not both")
        if self.threshold_mm is not None:
            check_margin(self.threshold_mm, self.hysteresis_mm)
        elif self.hysteresis_mm:
            raise PydanticCustomError("hysteresis", "hysteresis_mm means nothing without threshold_mm")
        return self


def decode(frame: Frame, settings: ElsysSettings) -> Reading | Unreadable:
    """Every item; a space follows the distance when a threshold is set, the input when that is, else the occupancy."""
    payload = frame.payload
    if payload[0] == SETTINGS:
        if len(payload) < 2 or len(payload) != 2 + payload[1]:
            return Unreadable(Reason.WRONG_LENGTH, f"{len(payload)} bytes of settings, which tell another length")
        return Reading()
    items = split(payload, _LENGTHS, key_bytes=1)
    if isinstance(items, Unreadable):
        return items
    marks: list[Mark] = []
    battery_mv = temperature_c = None
    for item in items:
        if item.key == VDD:
            battery_mv = int.from_bytes(item.value, "big")
        elif item.key == TEMPERATURE:
            temperature_c = signed(item.value) / 10
        else:
            mark = _mark(item, settings)
            if isinstance(mark, Unreadable):
                return mark
            marks += () if mark is None else (mark,)
    return Reading(tuple(marks), battery_mv=battery_mv, temperature_c=temperature_c)


def _mark(item: Item, settings: ElsysSettings) -> Mark | Unreadable | None:
    """What `item` says of the space; None where it says nothing."""
    value = int.from_bytes(item.value, "big")
    if settings.threshold_mm is not None:
        if item.key != DISTANCE:
            return None
        state = state_at(value, settings.threshold_mm, settings.hysteresis_mm)
        return UNKNOWN if value == 0 else None if state is None else Mark(state)
    if settings.digital_occupied is not None:
        if item.key not in {DIGITAL, DIGITAL_2}:
            return None
        if value not in {0, 1}:
            return Unreadable(Reason.UNKNOWN_STATE, f"digital input {value} is neither 0 nor 1")
        return OCCUPIED if value == settings.digital_occupied else FREE
    if item.key != OCCUPANCY:
        return None
    if value not in _OCCUPANCY:
        return Unreadable(Reason.UNKNOWN_STATE, f"occupancy {value} is none of 0, 1 and 2")
    return _OCCUPANCY[value]


PROFILE = Profile(
    name="elsys-generic",
    aliases=("elsys",),
    vendor="Elsys",
    model="ERS / ELT / EMS, generic payload",
    codec="elsys-generic-2",
    source="Elsys LoRa payload, sensor data types",
    example=Example("0100e2070e100e03e8", 5, "22.6 degrees, 3.6 V, 1,000 mm"),
    settings=ElsysSettings,
    decode=decode,
)
